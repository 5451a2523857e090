"""$default: refuses a request that no other route matches, in the dialect of its credentials."""

from checkout.api import routes
from checkout.api.http import Request, Response, public_endpoint
from checkout.store.table import Table


@public_endpoint(
    routes, reason="Only the credentials show the dialect, so refuse() checks them itself."
)
def handler(table: Table, request: Request) -> Response:
    return routes.refuse(table, request)
