"""How schemathesis sends PayRex's forms; for its command line too (SCHEMATHESIS_HOOKS)."""

from typing import Any

import schemathesis

from tests.payrex.forms import encode


@schemathesis.serializer("application/x-www-form-urlencoded")
def serialize_form(_context: Any, body: Any) -> bytes:
    """A form as PayRex's SDKs send it. What is not a map is sent as it is written."""
    return (encode(body) if isinstance(body, dict) else str(body)).encode()
