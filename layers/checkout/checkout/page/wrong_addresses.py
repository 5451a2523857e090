"""Responses for people whose link is incomplete or has a slash too many."""

import re

from checkout.api.http import Request, Response
from checkout.domain.errors import RouteMissingError
from checkout.page import view

PAGE = re.compile(r"/(?:checkout|c|simulator)/\w+", re.ASCII)


def respond(request: Request) -> Response:
    """Leads to the page if only the slash at the end is wrong; else says that the link is."""
    path = request.path.rstrip("/")
    if path != request.path and PAGE.fullmatch(path):
        return view.redirect(path + (f"?{request.query_string}" if request.query_string else ""))
    return view.render_error(RouteMissingError("No such page."), request)
