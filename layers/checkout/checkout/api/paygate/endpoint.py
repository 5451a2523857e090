"""PayGate's endpoints. `@endpoint` runs a handler only for calls with a valid secret key."""

from checkout.api.authentication import Call, authenticate_bearer, authenticated_endpoint
from checkout.api.http import Json, Response
from checkout.api.paygate import render

__all__ = ["Call", "Json", "Response", "endpoint"]

endpoint = authenticated_endpoint("paygate", render, authenticate_bearer)
