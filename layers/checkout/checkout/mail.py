"""Sends e-mail through Amazon SES."""

from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import boto3
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from checkout.aws import WITHOUT_RETRIES
from checkout.settings import IN_LAMBDA, settings

REFUSALS = frozenset({"BadRequestException", "MessageRejected"})
"""Codes of errors that a repetition would meet again. All others may be over later: throttling, a
spent quota, paused sending, a domain that is not verified yet, a missing permission."""
NO_CONNECTION, NO_ANSWER = "NoConnection", "NoAnswer"


class Outcome(StrEnum):
    SENT = "sent"
    NOT_SENT = "not_sent"
    """SES did not take it, and may take it later."""
    REFUSED = "refused"
    """SES will never take it."""
    UNKNOWN = "unknown"
    """No answer came. SES may have taken it."""


class Sending(NamedTuple):
    """What came of sending an e-mail. `code` names the error, without its text, which may repeat
    the address."""

    outcome: Outcome
    code: str | None = None


class Client(Protocol):
    """boto3's client of SES."""

    def send_email(self, **parameters: Any) -> Any: ...


class Mailer(NamedTuple):
    client: Client
    sender: str
    """The address that e-mail comes from. Empty if the deployment sends none."""
    configuration_set: str

    def send(self, message: bytes, to: str) -> Sending:
        """Sends a whole message to one address."""
        named = {"ConfigurationSetName": self.configuration_set} if self.configuration_set else {}
        try:
            self.client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [to]},
                Content={"Raw": {"Data": message}},
                **named,
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return Sending(Outcome.REFUSED if code in REFUSALS else Outcome.NOT_SENT, code)
        except ConnectionError:
            return Sending(Outcome.NOT_SENT, NO_CONNECTION)
        except HTTPClientError:
            return Sending(Outcome.UNKNOWN, NO_ANSWER)
        return Sending(Outcome.SENT)


@lru_cache(maxsize=1)
def open_mailer() -> Mailer:
    """The deployment's mailer. Its client repeats nothing by itself: after a lost answer that would
    send a second e-mail."""
    deployed = settings()
    client = boto3.client("sesv2", config=WITHOUT_RETRIES)
    return Mailer(client, deployed.receipt_sender, deployed.receipt_configuration_set)


if IN_LAMBDA:
    open_mailer()
