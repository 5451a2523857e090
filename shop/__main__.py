"""`python -m shop`: runs devstack in memory and a shop for each dialect, until Ctrl-C.

With RAILS=fake the shops sell through stand-ins for Paystack and PayMongo, in live mode.

Settings: those of devstack except DATA, and SHOP_PORT, the port of the first shop. The second shop
has the next port.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from devstack.cli.main import main
from devstack.cli.settings import read_number
from devstack.errors import DevstackError
from devstack.fakes import paystack
from devstack.fixtures import fake_rails
from shop import paygate, payrex

if TYPE_CHECKING:
    from devstack.stack import Stack

Shop = paygate.Shop | payrex.Shop
AnyShop = TypeVar("AnyShop", paygate.Shop, payrex.Shop)


def run() -> int:
    """Runs until it is interrupted; returns the exit code."""
    with ExitStack() as opened:
        rails = os.environ.get("RAILS") == "fake"
        try:
            port = read_number("SHOP_PORT", 4001, 65_534)
            # The ports are bound before the slow start of the stack, and closed after the stack,
            # which may still send webhooks.
            books = opened.enter_context(_take_port(paygate.Shop, port))
            mugs = opened.enter_context(_take_port(payrex.Shop, port and port + 1))
        except DevstackError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1

        def open_both(stack: "Stack") -> None:
            mode = "live" if rails else "test"
            opened.enter_context(running(books, stack, f"sk_{mode}_paygate"))
            opened.enter_context(running(mugs, stack, f"sk_{mode}_payrex"))
            if rails:
                _print_rails(books, mugs, opened.enter_context(fake_rails.running(stack)))
            else:
                _print_introduction(books, mugs)

        # Without DATA, because the shops' orders are in memory too.
        return main(open_both, data=None)


@contextmanager
def running(shop: Shop, stack: "Stack", key: str) -> Iterator[None]:
    """Runs a shop that is connected to a stack."""
    # Webhooks carry the stack's time, which the user may have moved.
    shop.now = stack.clock.read
    shop.connect(stack.url, key)
    reconnect = partial(shop.connect, stack.url, key)
    stack.on_reset.append(reconnect)
    thread = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        stack.on_reset.remove(reconnect)
        shop.shutdown()
        thread.join()


def _take_port(kind: type[AnyShop], port: int) -> AnyShop:
    try:
        return kind(port)
    except OSError as error:
        raise DevstackError(
            f"port {port} is not available ({error.strerror}): free it, or set SHOP_PORT."
        ) from error


def _print_introduction(books: Shop, mugs: Shop) -> None:
    from devstack.cli.console import print_line

    print_line(f"the shops: {books.url} (PayGate, cedis) and {mugs.url} (PayRex, pesos)")
    print_line("to pay: card 4242 4242 4242 4242, any future date and code; phone 024 000 0001")
    print_line("to be declined: card 4000 0000 0000 0002 (PayGate), 4005 5500 0000 0019 (PayRex)")


def _print_rails(books: Shop, mugs: Shop, rails: fake_rails.FakeRails) -> None:
    from devstack.cli.console import print_line

    print_line(f"the shops: {books.url} (Paystack, cedis) and {mugs.url} (PayMongo, pesos)")
    print_line("in live mode, through stand-ins for Paystack and PayMongo: no money moves, and the")
    print_line("test cards and phones above do not work there")
    print_line(f"phone {paystack.PROMPT}: approve at {rails.paystack.url}/phone")
    print_line(
        f"phone {paystack.CODE} (Telecel): the voucher is {paystack.GOOD_CODE}, then approve"
    )
    print_line(f"phone {paystack.FAILS}: declined; cards and wallets: on the stand-in's page")
    print_line("late money: on the stand-in's page open the wallet, if it has one, move the clock")
    print_line("by an hour, and pay. An hour later the page says that the money was sent back; by")
    print_line("QR Ph it becomes a task for a person")


if __name__ == "__main__":
    sys.exit(run())
