"""GET /checkout/{id}: shows the page where the shopper pays."""

from checkout.api import limits
from checkout.api.http import Request, Response, public_endpoint
from checkout.page import checkout_flow, view
from checkout.store.table import Table


@public_endpoint(
    view,
    reason="The page's URL, which cannot be guessed, is the shopper's key.",
    admit=limits.admit_visit,
)
def handler(table: Table, request: Request) -> Response:
    return checkout_flow.show(table, request)
