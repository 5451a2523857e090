"""POST /checkout/{id}: the page's forms. One payment attempt, then back to the page."""

from checkout.api.http import Request, Response, endpoint
from checkout.page import checkout_flow, view
from checkout.store.table import open_table


@endpoint(view)
def handler(request: Request) -> Response:
    return checkout_flow.pay(open_table(), request)
