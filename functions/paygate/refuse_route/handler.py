"""Whatever no other route takes: 404, or 405 where the path has other methods."""

from checkout.api.authentication import authenticate_bearer
from checkout.api.http import Request, Response, endpoint
from checkout.api.paygate import render
from checkout.api.routes import refuse
from checkout.store.table import open_table


@endpoint(render)
def handler(request: Request) -> Response:
    table = open_table()
    authenticate_bearer(table, request, "paygate")
    raise refuse(request.method, request.path)
