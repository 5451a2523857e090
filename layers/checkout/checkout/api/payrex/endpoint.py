"""PayRex's endpoints. `@endpoint` runs a handler only for calls with a valid secret key."""

from checkout.api.authentication import Call, authenticate_basic, authenticated_endpoint
from checkout.api.http import Json, Response
from checkout.api.payrex import render

__all__ = ["Call", "Json", "Response", "endpoint"]

endpoint = authenticated_endpoint("payrex", render, authenticate_basic)
