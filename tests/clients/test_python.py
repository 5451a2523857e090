"""The Python client, sync and async, against an HTTP transport that answers from a list."""

import asyncio
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_type_hints
from urllib.parse import unquote

import httpx
import pytest

import paygate
from paygate import Webhook, async_resources, resources
from paygate.retries import delay_before

SECRET = "whsec_c2FtcGxl"
BODY = (
    '{"id": "evt_1", "type": "checkout.session.completed", "request": {"id": null}, '
    '"data": {"object": {"object": "checkout.session", "id": "cs_1", "metadata": {"name": "Ä"}}}}'
).encode()
NOW = 1_700_000_000
HEADER = Webhook.sign(BODY, SECRET, NOW)

Answer = httpx.Response | httpx.TransportError


class Api:
    """Records requests and gives the answers in `answers`, then `{}`."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[httpx.Request] = []
        self.delays: list[float] = []

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, json={})
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    @property
    def keys(self) -> list[str]:
        return [each.headers["idempotency-key"] for each in self.requests]


class Caller:
    """Makes the same call on either client: `call(lambda client: client.customers.create())`."""

    def __init__(self, kind: str, api: Api) -> None:
        self.is_async = kind == "async"
        self.api = api
        self.settings: dict[str, Any] = {"base_url": "https://api.example.com/"}

    def __call__(self, operation: Callable[[Any], Any]) -> Any:
        transport = httpx.MockTransport(self.api.respond)
        if self.is_async:
            return asyncio.run(self._call(operation, transport))
        http = httpx.Client(transport=transport)
        client = paygate.Client("sk_test_x", http=http, **self.settings)
        client.customers._transport.sleep = self.api.delays.append
        return operation(client)

    async def _call(self, operation: Callable[[Any], Any], transport: httpx.MockTransport) -> Any:
        async def sleep(seconds: float) -> None:
            self.api.delays.append(seconds)

        http = httpx.AsyncClient(transport=transport)
        async with paygate.AsyncClient("sk_test_x", http=http, **self.settings) as client:
            client.customers._transport.sleep = sleep
            result = operation(client)
            return await result if inspect.isawaitable(result) else [each async for each in result]

    def ids(self, operation: Callable[[Any], Any]) -> list[str]:
        """The ids of all objects of a list."""

        async def collect(listed: Any) -> list[str]:
            return [each.id async for each in listed]

        if self.is_async:
            found: list[str] = self(lambda client: collect(operation(client)))
            return found
        return [each.id for each in self(operation)]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, api: Api) -> Caller:
    return Caller(request.param, api)


def failure(status: int, code: str, type: str = "invalid_request_error") -> httpx.Response:
    fields = {"type": type, "code": code, "message": "No.", "param": "id"}
    return httpx.Response(status, json={"error": fields}, headers={"Request-Id": "req_1"})


def page(ids: str, has_more: bool, cursor: str = "") -> httpx.Response:
    body = {"object": "list", "data": [{"id": each} for each in ids], "has_more": has_more}
    return httpx.Response(200, json=body, headers={"Next-Cursor": cursor} if cursor else {})


def test_a_request_has_the_key_json_and_an_idempotency_key(call: Caller, api: Api) -> None:
    call(lambda client: client.customers.create(name="Ama", metadata={}, idempotency_key="order-1"))

    (request,) = api.requests
    assert (request.method, request.url.path) == ("POST", "/v1/customers")
    assert json.loads(request.content) == {"name": "Ama", "metadata": {}}
    assert request.headers["authorization"] == "Bearer sk_test_x"
    assert request.headers["idempotency-key"] == "order-1"


def test_times_are_written_in_whole_seconds(call: Caller, api: Api) -> None:
    at = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)
    api.answers = [page("", has_more=False)]
    call.ids(lambda client: client.events.list(created_at={"gte": at}))
    call(lambda client: client.events.resend_range(created_at={"gte": at}))

    query = unquote(api.requests[0].url.query.decode())
    assert query == "created_at[gte]=2026-01-31T12:00:00Z"
    assert json.loads(api.requests[1].content) == {"created_at": {"gte": "2026-01-31T12:00:00Z"}}


def test_a_time_without_a_zone_is_refused(call: Caller) -> None:
    with pytest.raises(paygate.PayGateError, match="must have a time zone"):
        call(lambda client: client.events.resend_range(created_at={"gte": datetime(2026, 1, 31)}))


def test_ids_are_escaped_and_an_empty_one_is_refused(call: Caller, api: Api) -> None:
    call(lambda client: client.payments.retrieve("../x"))

    assert api.requests[0].url.raw_path == b"/v1/payments/..%2Fx"
    with pytest.raises(paygate.PayGateError, match="id must be a non-empty string"):
        call(lambda client: client.payments.retrieve(""))


def test_what_is_missing_in_the_configuration_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYGATE_SECRET_KEY", raising=False)
    monkeypatch.delenv("PAYGATE_BASE_URL", raising=False)
    with pytest.raises(paygate.PayGateError, match="PAYGATE_SECRET_KEY"):
        paygate.Client(base_url="https://api.example.com")
    with pytest.raises(paygate.PayGateError, match="PAYGATE_BASE_URL"):
        paygate.Client("sk_test_x")


def test_redirects_are_not_followed(call: Caller, api: Api) -> None:
    api.answers = [httpx.Response(302, headers={"Location": "https://other.example.com"})]
    with pytest.raises(paygate.ApiError) as caught:
        call(lambda client: client.payments.retrieve("pay_1"))
    assert (caught.value.status, len(api.requests)) == (302, 1)


def test_a_list_is_iterated_over_all_pages_also_empty_ones(call: Caller, api: Api) -> None:
    api.answers = [page("ab", True, "b"), page("", True, "k"), page("z", False)]

    assert call.ids(lambda client: client.customers.list(limit=2)) == ["a", "b", "z"]
    queries = [each.url.query.decode() for each in api.requests]
    assert queries == ["limit=2", "limit=2&starting_after=b", "limit=2&starting_after=k"]


def test_a_list_can_be_read_page_by_page(api: Api) -> None:
    api.answers = [page("a", True), page("b", False)]
    first = Caller("sync", api)(lambda client: client.customers.list())
    second = first.next_page()

    assert [each.id for each in [*first.data, *second.data]] == ["a", "b"]
    assert (first.has_more, second.has_more, second.next_page()) == (True, False, None)
    assert api.requests[1].url.query == b"starting_after=a"


def test_an_async_list_is_its_first_page_when_awaited(api: Api) -> None:
    api.answers = [page("a", True)]
    first = Caller("async", api)(lambda client: client.customers.list())

    assert [each.id for each in first.data] == ["a"]


@pytest.mark.parametrize(
    ("status", "type", "kind"),
    [
        (400, "invalid_request_error", paygate.InvalidRequestError),
        (401, "authentication_error", paygate.AuthenticationError),
        (403, "permission_error", paygate.PermissionDeniedError),
        (404, "invalid_request_error", paygate.NotFoundError),
        (409, "invalid_request_error", paygate.ConflictError),
        (409, "idempotency_error", paygate.IdempotencyError),
        (422, "invalid_request_error", paygate.InvalidRequestError),
        (429, "rate_limit_error", paygate.RateLimitError),
        (503, "api_error", paygate.ServerError),
    ],
)
def test_an_error_has_a_class_and_all_its_fields(
    call: Caller, api: Api, status: int, type: str, kind: type[paygate.ApiError]
) -> None:
    call.settings["max_retries"] = 0
    api.answers = [failure(status, "some_code", type)]

    with pytest.raises(paygate.PayGateError) as caught:
        call(lambda client: client.payments.retrieve("pay_1"))

    error = caught.value
    assert error.__class__ is kind
    assert isinstance(error, paygate.ApiError)
    fields = (error.message, error.type, error.code, error.param, error.status, error.request_id)
    assert fields == ("No.", type, "some_code", "id", status, "req_1")


def test_an_error_of_api_gateway_has_its_message(call: Caller, api: Api) -> None:
    call.settings["max_retries"] = 0
    api.answers = [httpx.Response(429, json={"message": "Too Many Requests"})]

    with pytest.raises(paygate.RateLimitError, match="Too Many Requests") as caught:
        call(lambda client: client.payments.retrieve("pay_1"))
    assert (caught.value.type, caught.value.code) == ("rate_limit_error", None)


def test_an_answer_that_is_not_json_is_an_error(call: Caller, api: Api) -> None:
    api.answers = [httpx.Response(200, text="<html>")]
    with pytest.raises(paygate.PayGateError, match="check the base URL"):
        call(lambda client: client.payments.retrieve("pay_1"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.ReadTimeout("slow"),
        lambda: httpx.Response(500, text="oops"),
        lambda: failure(503, "try_again", "api_error"),
        lambda: failure(429, "too_many"),
        lambda: failure(409, "payment_in_progress"),
    ],
    ids=["refused", "timed out", "500", "503", "429", "409 in progress"],
)
def test_retries_follow_what_may_pass_with_one_idempotency_key(
    call: Caller, api: Api, make: Callable[[], Answer]
) -> None:
    api.answers = [make(), make(), httpx.Response(201, json={"id": "cus_1"})]

    assert call(lambda client: client.customers.create()).id == "cus_1"

    assert len(api.keys) == 3
    assert len(set(api.keys)) == 1
    first, second = api.delays
    assert 0.25 <= first <= 0.5 <= second <= 1


def test_retries_end_after_max_retries(call: Caller, api: Api) -> None:
    call.settings["max_retries"] = 1
    api.answers = [httpx.ConnectError("refused"), httpx.ConnectError("refused")]

    with pytest.raises(paygate.ConnectionFailedError, match="refused") as caught:
        call(lambda client: client.customers.create())
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
    assert len(api.requests) == 2


@pytest.mark.parametrize("code", ["checkout_session_not_open", "payment_not_refundable"])
def test_a_state_that_stays_is_not_retried(call: Caller, api: Api, code: str) -> None:
    api.answers = [failure(409, code)]
    with pytest.raises(paygate.ConflictError):
        call(lambda client: client.customers.create())
    assert len(api.requests) == 1


def test_retry_after_is_waited_for_up_to_a_minute(call: Caller, api: Api) -> None:
    api.answers = [httpx.Response(503, headers={"Retry-After": "7"})]
    call(lambda client: client.customers.create())
    assert api.delays == [7]

    api.answers = [httpx.Response(503, headers={"Retry-After": "61"})]
    with pytest.raises(paygate.ServerError):
        call(lambda client: client.customers.create())
    assert api.delays == [7]


def test_retry_after_may_be_a_date_and_any_other_text_is_ignored() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert delay_before(0, "Sat, 31 Jan 2026 12:00:20 GMT", now) == 20
    for text in ("soon", "", "-1", "Sat, 31 Jan 99999 12:00:20 GMT"):
        assert (delay_before(0, text, now) or 99) <= 0.5
    assert (delay_before(20, None, now) or 99) <= 8


@pytest.mark.parametrize("body", [BODY, BODY.decode(), bytearray(BODY)])
def test_a_webhook_is_accepted_as_bytes_and_as_text(body: bytes) -> None:
    event = Webhook.construct_event(body, HEADER, SECRET, now=NOW)

    session = event.data.object
    assert isinstance(session, paygate.Session)
    assert (event.type, session.id) == ("checkout.session.completed", "cs_1")
    assert session.metadata == {"name": "Ä"}


def test_any_signature_of_the_header_is_accepted() -> None:
    time, signature = HEADER.split(",")
    other = f"v1={'0' * 64}"
    for header in (f"{time},{other},{signature}", f"{HEADER},{other}", f"{HEADER},v1=x,v0=y"):
        assert Webhook.construct_event(BODY, header, SECRET, now=NOW).id == "evt_1"


@pytest.mark.parametrize("body", [json.loads(BODY), None])
def test_a_parsed_body_is_refused_with_what_to_do(body: Any) -> None:
    with pytest.raises(paygate.WebhookSignatureError, match="pass the raw body: request"):
        Webhook.construct_event(body, HEADER, SECRET, now=NOW)


@pytest.mark.parametrize(
    ("body", "secret", "said"),
    [
        (BODY + b" ", SECRET, "No signature matches"),
        (BODY, "whsec_b3RoZXI=", "No signature matches"),
        (BODY, "", "secret is missing"),
    ],
)
def test_another_body_or_secret_is_refused(body: bytes, secret: str, said: str) -> None:
    with pytest.raises(paygate.WebhookSignatureError, match=said):
        Webhook.construct_event(body, HEADER, secret, now=NOW)


def test_a_webhook_is_accepted_up_to_300_seconds_before_and_after() -> None:
    for seconds in (-300, 300):
        Webhook.construct_event(BODY, HEADER, SECRET, now=NOW + seconds)
    for seconds in (-301, 301):
        with pytest.raises(paygate.WebhookSignatureError, match="more than 300 seconds"):
            Webhook.construct_event(BODY, HEADER, SECRET, now=NOW + seconds)
    Webhook.construct_event(BODY, HEADER, SECRET, now=NOW + 400, tolerance=500)


@pytest.mark.parametrize("header", ["t=1", "v1=00", f"t=x,v1={'0' * 64}", "nonsense", "t=1,v1=00"])
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(paygate.WebhookSignatureError, match="not of the form"):
        Webhook.construct_event(BODY, header, SECRET, now=NOW)


@pytest.mark.parametrize("header", ["", None])
def test_a_missing_header_is_refused(header: str | None) -> None:
    with pytest.raises(paygate.WebhookSignatureError, match="header is missing"):
        Webhook.construct_event(BODY, header, SECRET, now=NOW)


def test_an_object_does_not_show_its_secret() -> None:
    endpoint = paygate.WebhookEndpointWithSecret({"id": "we_1", "secret": SECRET})
    assert SECRET not in repr(endpoint)
    assert endpoint.secret == SECRET


def test_both_clients_have_the_same_operations() -> None:
    kinds = ["Checkout", "Sessions", "Customers", "Payments", "Refunds", "Webhooks", "Events"]
    for kind in kinds:
        sync, asynchronous = getattr(resources, kind), getattr(async_resources, f"Async{kind}")
        assert operations_of(sync) == operations_of(asynchronous)


def operations_of(kind: type) -> dict[str, list[str]]:
    return {
        name: sorted(get_type_hints(function).keys() - {"return"})
        for name, function in vars(kind).items()
        if not name.startswith("_")
    }
