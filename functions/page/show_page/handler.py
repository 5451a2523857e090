"""GET /checkout/{id}: the page where the shopper pays. Its address is its key."""

from checkout.api.http import Request, Response, endpoint
from checkout.page import checkout_flow, view
from checkout.store.table import open_table


@endpoint(view)
def handler(request: Request) -> Response:
    return checkout_flow.show(open_table(), request)
