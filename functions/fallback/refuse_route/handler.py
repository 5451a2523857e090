"""Whatever no other route takes, in the dialect of the caller."""

from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.routes import refuse
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    return refuse(open_table(), request)
