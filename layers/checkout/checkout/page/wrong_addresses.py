"""Responses for people whose link is incomplete."""

from checkout.api.http import Request, Response
from checkout.domain.errors import RouteMissingError
from checkout.page import view


def respond(request: Request) -> Response:
    """A page that says so, in the language of the person's browser."""
    return view.render_error(RouteMissingError("No such page."), request)
