"""What only a real connection shows of the SDKs' requests (contract, section 4.3)."""

import socket
from urllib.parse import urlsplit

import pytest

from devstack.stack import Stack
from tests.payrex.forms import SESSIONS, order
from tests.world import basic


def exchange(stack: Stack, head: str, body: str, *, wait_for_continue: bool = False) -> str:
    """One request on a connection of its own, byte for byte, and all that comes back."""
    address = urlsplit(stack.url)
    head += f"Host: {address.netloc}\r\nAuthorization: {basic('sk_test_payrex')}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b""
        if wait_for_continue:
            answer = connection.recv(1024)
            assert answer == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body.encode())
        while received := connection.recv(65_536):
            answer += received
    return answer.decode()


@pytest.fixture
def session_id(stack: Stack) -> str:
    form = order()
    answer = exchange(stack, f"POST {SESSIONS} HTTP/1.1\r\nContent-Length: {len(form)}\r\n", form)
    assert answer.startswith("HTTP/1.1 200 "), answer
    return answer.partition('"id":"')[2].partition('"')[0]


def test_phps_post_without_a_payload_is_chunked_and_expects_100(
    stack: Stack, session_id: str
) -> None:
    head = (
        f"POST {SESSIONS}/{session_id}/expire HTTP/1.1\r\nAccept: */*\r\n"
        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
    )

    answer = exchange(stack, head, "0\r\n\r\n", wait_for_continue=True)

    assert "HTTP/1.1 200 " in answer
    assert '"status":"expired"' in answer


@pytest.mark.parametrize("sdk", ["axios/1.7.2", "python-requests/2.32.3", "Ruby"])
def test_the_others_post_without_a_payload_has_a_length_of_zero(
    stack: Stack, session_id: str, sdk: str
) -> None:
    head = f"POST {SESSIONS}/{session_id}/expire HTTP/1.1\r\nUser-Agent: {sdk}\r\n"

    assert '"status":"expired"' in exchange(stack, head + "Content-Length: 0\r\n", "")


def test_a_form_in_chunks_is_one_form(stack: Stack) -> None:
    form = order()
    halves = (form[:100], form[100:])
    body = "".join(f"{len(half):x}\r\n{half}\r\n" for half in halves) + "0\r\n\r\n"

    answer = exchange(stack, f"POST {SESSIONS} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", body)

    assert '"amount":100000' in answer


def test_a_get_with_a_forms_content_type_and_a_bare_question_mark_lists(stack: Stack) -> None:
    answer = exchange(stack, f"GET {SESSIONS}? HTTP/1.1\r\nAccept: */*\r\n", "")

    assert '{"resource":"list","has_more":' in answer
