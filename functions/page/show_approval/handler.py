"""GET /simulator/{id}: the test simulator's stand-in for a wallet's page, for one payment."""

from checkout.api.http import Request, Response, endpoint
from checkout.page import simulated_wallet, view
from checkout.store.table import open_table


@endpoint(view)
def handler(request: Request) -> Response:
    return simulated_wallet.show(open_table(), request)
