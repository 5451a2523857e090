"""A merchant's program. It uses only HTTP, so tests against a running stack are written with it."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.world import ORDER, SESSIONS, token_in


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_open = urllib.request.build_opener(_NoRedirect).open


@dataclass
class Merchant:
    url: str
    key: str = "sk_test_paygate"

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The response's status and JSON."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
        )
        status, _, text = _send(request)
        return status, json.loads(text)

    def create_session(self, **changes: Any) -> dict[str, Any]:
        status, session = self.call("POST", SESSIONS, ORDER | changes)
        assert status == 201, session
        found: dict[str, Any] = session
        return found

    def session(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"{SESSIONS}/{id}")[1]
        return found

    def subscribe(self, url: str, *events: str) -> dict[str, Any]:
        event_types = events or ("checkout.session.completed", "checkout.session.expired")
        status, endpoint = self.call(
            "POST", "/v1/webhooks", {"url": url, "events": list(event_types)}
        )
        assert status == 201, endpoint
        found: dict[str, Any] = endpoint
        return found

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "/v1/events?limit=100")[1]["data"]
        return found

    def pay(self, id: str, number: str = "4242424242424242", **fields: str) -> tuple[int, str]:
        """Submits the page's card form, and returns the status and the `Location`."""
        form = {"method": "card", "number": number, "expiry": "12/40", "code": "123"}
        return self._submit(id, form | fields)

    def pay_by_phone(self, id: str, phone: str) -> tuple[int, str]:
        return self._submit(id, {"method": "mobile_money", "phone": phone})

    def _submit(self, id: str, form: dict[str, str]) -> tuple[int, str]:
        page = f"{self.url}/checkout/{id}"
        token = token_in(_send(urllib.request.Request(page))[2])
        body = urlencode(form | {"token": token}).encode()
        status, headers, _ = _send(urllib.request.Request(page, data=body, method="POST"))
        return status, headers.get("location", "")


def _send(request: urllib.request.Request) -> tuple[int, dict[str, str], str]:
    try:
        with _open(request, timeout=30) as response:
            return (
                response.status,
                {k.lower(): v for k, v in response.headers.items()},
                response.read().decode(),
            )
    except urllib.error.HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()
