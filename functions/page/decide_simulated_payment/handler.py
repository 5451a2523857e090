"""POST /simulator/{id}: approves or declines a test payment, and redirects to the checkout page."""

from checkout.api import limits
from checkout.api.http import Request, Response, public_endpoint
from checkout.page import simulated_wallet, view
from checkout.store.table import Table


@public_endpoint(
    view,
    reason="A payment's id is enough to decide about it: no money moves.",
    admit=limits.admit_visit,
)
def handler(table: Table, request: Request) -> Response:
    return simulated_wallet.decide(table, request)
