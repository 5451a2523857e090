"""POST /checkout/{id}: makes a payment attempt with the page's form, and redirects to the page."""

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
    return checkout_flow.pay(table, request)
