"""GET /simulator/{id}: the test simulator's stand-in for a wallet's page, for one payment."""

from checkout.api.http import Request, Response, endpoint
from checkout.page import approval, view
from checkout.store.table import open_table


@endpoint(view)
def handler(request: Request) -> Response:
    return approval.show(open_table(), request)
