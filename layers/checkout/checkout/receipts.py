"""Sends receipts by e-mail: fires their timers.

The timer is moved before SES is called. So the e-mail is sent at least once if the process dies
once at any point, and at most twice however often it dies or answers are lost
(docs/decisions/2026-11-22-receipts-by-e-mail.md).
"""

from typing import NamedTuple

from checkout.domain.account import Merchant, merchant_of
from checkout.domain.contact import mailbox
from checkout.domain.receipt import Receipt
from checkout.domain.timer import Timer
from checkout.log import log_metric, logger, subjects
from checkout.mail import Mailer, Outcome
from checkout.page import receipt_mail
from checkout.store import accounts, payments, receipts, sessions, timers
from checkout.store.table import Table

GIVEN_UP = "ReceiptsGivenUp"
"""A metric: receipts that were not sent and never will be."""


class Receipts(NamedTuple):
    table: Table
    mailer: Mailer
    now: int

    def on_timer(self, timer: Timer) -> None:
        """Sends the receipt of the session that the timer names, unless that was done or another
        firing does it. A later firing repeats what SES could not take."""
        receipt = receipts.find(self.table, timer.target)
        if receipt is None or receipt.timer_due != timer.due:
            self.table.write(timers.delete(timer))
            return
        mail = self._mail(receipt)
        if mail is None or receipt.is_given_up:
            self._give_up(receipt, "NoAddress" if mail is None else "Unanswered")
            return
        claimed = receipts.claim(self.table, receipt, self.now)
        if claimed is not None:
            self._send(claimed, mail)

    def _send(self, claimed: Receipt, mail: receipt_mail.Mail) -> None:
        outcome, code = self.mailer.send(mail.message, mail.to)
        if outcome is Outcome.SENT:
            receipts.end(self.table, claimed)
        elif outcome is Outcome.REFUSED:
            self._give_up(claimed, code)
        else:
            if outcome is Outcome.NOT_SENT:
                receipts.record_not_sent(self.table, claimed)
            _log("receipt not sent yet", claimed, code)

    def _give_up(self, receipt: Receipt, code: str | None) -> None:
        receipts.end(self.table, receipt)
        log_metric(GIVEN_UP, 1, "Count", self.now)
        _log("receipt given up", receipt, code)

    def _mail(self, receipt: Receipt) -> receipt_mail.Mail | None:
        """The e-mail; None if the deployment sends none any more, or the address was erased."""
        session = sessions.find(self.table, receipt.session)
        payment = payments.find(self.table, receipt.payment)
        to = mailbox(session.customer_email or "") if session else None
        if not session or not payment or not to or not self.mailer.sender:
            return None
        id = merchant_of(session.scope)
        merchant = accounts.merchant(self.table, id) or Merchant(id, id, session.api)
        paid = receipt_mail.Paid(session, payment, merchant, receipt.language, receipt.created_at)
        return receipt_mail.build(paid, self.mailer.sender, to)


def _log(message: str, receipt: Receipt, code: str | None) -> None:
    """Logs why a receipt was not sent, without the address."""
    logger.warning(message, code=code, attempts=receipt.attempts, extra=subjects())
