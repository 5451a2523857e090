"""$default: refuses a request that no other route matches, in the dialect of its credentials.

People who look for a page get one.
"""

from checkout.api import routes
from checkout.api.http import Request, Response, public_endpoint
from checkout.store.table import Table


@public_endpoint(
    routes, reason="Only the credentials show the dialect, so refuse() checks them itself."
)
def handler(table: Table, request: Request) -> Response:
    if routes.is_visit(request):
        from checkout.page import wrong_addresses  # noqa: PLC0415 - programs need no templates

        return wrong_addresses.respond(request)
    return routes.refuse(table, request)
