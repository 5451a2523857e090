"""The SDKs' requests on a real connection: chunks, `Expect`, empty bodies
(docs/contracts/payrex.md, section 4.3)."""

import socket
from urllib.parse import urlsplit

import pytest

from devstack.stack import Stack
from tests.payrex.forms import SESSIONS, order
from tests.world import basic


def exchange(stack: Stack, head: str, body: str, *, wait_for_continue: bool = False) -> str:
    """Sends one request, byte for byte, on a new connection, and returns the whole response."""
    address = urlsplit(stack.url)
    head += f"Host: {address.netloc}\r\nAuthorization: {basic('sk_test_payrex')}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode())
        response = b""
        if wait_for_continue:
            response = connection.recv(1024)
            assert response == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body.encode())
        while received := connection.recv(65_536):
            response += received
    return response.decode()


@pytest.fixture
def session_id(stack: Stack) -> str:
    form = order()
    response = exchange(stack, f"POST {SESSIONS} HTTP/1.1\r\nContent-Length: {len(form)}\r\n", form)
    assert response.startswith("HTTP/1.1 200 "), response
    return response.partition('"id":"')[2].partition('"')[0]


def test_the_php_sdks_empty_chunked_post_is_answered_with_100_continue(
    stack: Stack, session_id: str
) -> None:
    head = (
        f"POST {SESSIONS}/{session_id}/expire HTTP/1.1\r\nAccept: */*\r\n"
        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
    )

    response = exchange(stack, head, "0\r\n\r\n", wait_for_continue=True)

    assert "HTTP/1.1 200 " in response
    assert '"status":"expired"' in response


@pytest.mark.parametrize("sdk", ["axios/1.7.2", "python-requests/2.32.3", "Ruby"])
def test_an_empty_post_with_a_length_of_zero_is_accepted(
    stack: Stack, session_id: str, sdk: str
) -> None:
    head = f"POST {SESSIONS}/{session_id}/expire HTTP/1.1\r\nUser-Agent: {sdk}\r\n"

    assert '"status":"expired"' in exchange(stack, head + "Content-Length: 0\r\n", "")


def test_a_chunked_form_is_decoded(stack: Stack) -> None:
    form = order()
    halves = (form[:100], form[100:])
    body = "".join(f"{len(half):x}\r\n{half}\r\n" for half in halves) + "0\r\n\r\n"

    response = exchange(stack, f"POST {SESSIONS} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", body)

    assert '"amount":100000' in response


def test_a_list_request_with_a_form_content_type_and_an_empty_query_is_accepted(
    stack: Stack,
) -> None:
    response = exchange(stack, f"GET {SESSIONS}? HTTP/1.1\r\nAccept: */*\r\n", "")

    assert '{"resource":"list","has_more":' in response
