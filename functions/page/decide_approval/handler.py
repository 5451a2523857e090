"""POST /simulator/{id}: the shopper approves or declines there, and goes back to the page."""

from checkout.api.http import Request, Response, endpoint
from checkout.page import simulated_wallet, view
from checkout.store.table import open_table


@endpoint(view)
def handler(request: Request) -> Response:
    return simulated_wallet.decide(open_table(), request)
