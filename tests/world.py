"""A world for one test: a table, a clock that the test moves, and the handlers, called with the
events that API Gateway, the stream, the queue and the scheduler send."""

import base64
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from checkout.api import limits
from checkout.api.authentication import forget_keys
from checkout.api.dialects import render_events
from checkout.dispatch import open_dispatcher
from checkout.domain import clock
from checkout.domain.account import Merchant
from checkout.domain.event import ChangeContext
from checkout.encryption import decrypt, open_kms
from checkout.mail import open_mailer
from checkout.page.tokens import with_return_key
from checkout.processors import breaker, registry
from checkout.queues import open_client
from checkout.settings import settings
from checkout.store import accounts, keys, payments, sessions
from checkout.store.items import from_wire, to_wire
from checkout.store.table import Table, open_table
from checkout.webhooks.queue import open_queue
from devstack.aws import api_gateway, mailbox
from devstack.aws.dynamodb import create_table
from devstack.aws.functions import Context, Function
from devstack.aws.kms import create_key
from devstack.aws.mailbox import Mail
from devstack.aws.timed_queue import timed_queues
from devstack.engines import Engine
from devstack.environment import applied
from devstack.http_messages import Request
from devstack.template import load_template
from tests.policies import SENDER, Recorder
from tests.roots import ROOT

TEMPLATE = load_template(ROOT / "template.yaml")

START = 1_800_000_000
KEY, LIVE_KEY, OTHER_KEY, PUBLIC_KEY = (
    "sk_test_accra",
    "sk_live_accra",
    "sk_test_kumasi",
    "pk_test_accra",
)
ACCRA = Merchant("merc_accra", "Accra Books", "paygate")
KUMASI = Merchant("merc_kumasi", "Kumasi Kitchens", "paygate")
SCOPE = "merc_accra#test"

PAYREX_KEY, PAYREX_LIVE_KEY, PAYREX_OTHER_KEY, PAYREX_PUBLIC_KEY = (
    "sk_test_manila",
    "sk_live_manila",
    "sk_test_cebu",
    "pk_test_manila",
)
MANILA = Merchant("merc_manila", "Manila Mugs", "payrex")
CEBU = Merchant("merc_cebu", "Cebu Chairs", "payrex")

SESSIONS = "/v1/checkout/sessions"
ORDER: dict[str, Any] = {
    "amount": 5000,
    "currency": "GHS",
    "success_url": "https://yoursite.com/success?session_id={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://yoursite.com/cancel",
    "customer_email": "customer@example.com",
    "metadata": {"order_id": "1234"},
}
FORM_TYPE = "application/x-www-form-urlencoded"
CARD = {"method": "card", "expiry": "12 / 40", "code": "123"}
BILLING = {
    "name": "Ama Sample",
    "email": "ama@example.com",
    "line1": "1 Sample Street",
    "city": "Manila",
    "postal_code": "1000",
    "country": "PH",
}
"""What the page of a session requires that collects billing details."""

_functions: dict[str, Function] = {}
_accounts: list[Any] = []
"""The items of the merchants and keys that every world has."""


def secrets_key(engine: Engine) -> str:
    """The engine's one KMS key. moto makes an RSA key for each, which takes 70 ms."""
    client = engine.client("kms")
    created = {key["KeyId"] for key in client.list_keys()["Keys"]}
    return next(iter(created), None) or create_key(client)


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def errors(self) -> tuple[int, list[tuple[str, str | None]]]:
        """The status of a PayRex error, and the code and parameter of each entry."""
        assert list(self.json) == ["errors"]
        for each in self.json["errors"]:
            assert set(each) in ({"code", "detail"}, {"code", "detail", "parameter"})
            assert each["detail"]
        return self.status, [(each["code"], each.get("parameter")) for each in self.json["errors"]]

    @property
    def error(self) -> tuple[int, str, str, str | None]:
        """The status, type, code and parameter of a PayGate error."""
        error = self.json["error"]
        return self.status, error["type"], error["code"], error.get("param")


@dataclass
class World:
    table: Table
    engine: Engine
    recorder: Recorder = field(default_factory=Recorder)
    now: float = START

    @classmethod
    @contextmanager
    def open(cls, engine: Engine, timer_shards: int = 2) -> Iterator["World"]:
        client = engine.client("dynamodb")
        name = create_table(client, TEMPLATE, f"checkout-{uuid4().hex}")
        sqs = engine.client("sqs")
        with timed_queues(lambda: world.now):
            urls = [
                sqs.create_queue(QueueName=f"{name}-{each}")["QueueUrl"]
                for each in ("deliveries", "timers", "processors", "receipts")
            ]
        variables = {
            "TABLE_NAME": name,
            "QUEUE_URL": urls[0],
            "TIMER_QUEUE_URL": urls[1],
            "PROCESSOR_QUEUE_URL": urls[2],
            "RECEIPT_QUEUE_URL": urls[3],
            "TIMER_SHARDS": str(timer_shards),
            "SECRETS_KEY": secrets_key(engine),
            "ALLOW_LOCAL_ENDPOINTS": "true",
            # The tests of a processor start a server.
            **dict.fromkeys(("STRIPE_API", "PAYSTACK_API", "PAYMONGO_API"), "http://127.0.0.1:9"),
            "POWERTOOLS_SERVICE_NAME": "checkout",
            **engine.environment,
        }
        with applied(variables, keep_aws=True):
            forget_process()
            world = cls(open_table(), engine)
            world.recorder.attach(world.table.client, open_queue().client, open_kms())
            read, clock.read = clock.read, lambda: world.now
            world._seed()
            try:
                yield world
            finally:
                clock.read = read
                forget_process()
                client.delete_table(TableName=name)

    def _seed(self) -> None:
        """Writes the merchants and keys, in one call for all worlds but the first."""
        if _accounts:
            puts: Any = [{"PutRequest": {"Item": wire}} for wire in _accounts]
            self.table.client.batch_write_item(RequestItems={self.table.name: puts})
            return
        self._save_accounts()
        _accounts.extend(self.table.client.scan(TableName=self.table.name)["Items"])

    def _save_accounts(self) -> None:
        for merchant in (ACCRA, KUMASI, MANILA, CEBU):
            accounts.save_merchant(merchant, self.table)
        for secret in (KEY, LIVE_KEY, PUBLIC_KEY):
            accounts.save_key(secret, ACCRA, self.table)
        accounts.save_key(OTHER_KEY, KUMASI, self.table)
        for secret in (PAYREX_KEY, PAYREX_LIVE_KEY, PAYREX_PUBLIC_KEY):
            accounts.save_key(secret, MANILA, self.table)
        accounts.save_key(PAYREX_OTHER_KEY, CEBU, self.table)

    # -------------------------------------------------------------- HTTP

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        key: str | None = KEY,
        headers: dict[str, str] | None = None,
        address: str = "127.0.0.1",
    ) -> Response:
        """Sends a request to its route's function as API Gateway does. A dict becomes JSON."""
        sent_headers = {"host": "api.example.com", "content-type": "application/json"} | (
            headers or {}
        )
        if key is not None:
            sent_headers["authorization"] = f"Bearer {key}"
        content = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        request = Request(method, target, list(sent_headers.items()), content, address)
        match = api_gateway.choose_route(TEMPLATE.routes, method, request.path)
        assert match is not None
        event = api_gateway.build_event(request, match, self.now)
        event["headers"]["x-forwarded-proto"] = "https"
        response = self.invoke(match.route.function, event)
        return Response(response["statusCode"], response["headers"], response["body"])

    def get(self, target: str, **options: Any) -> Response:
        return self.call("GET", target, **options)

    def post(self, target: str, body: Any = None, **options: Any) -> Response:
        return self.call("POST", target, body, **options)

    def payrex(
        self,
        method: str,
        target: str,
        form: str = "",
        key: str | None = PAYREX_KEY,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Sends a request as PayRex's SDKs do: with Basic authentication and a form, by any
        method."""
        sent_headers = {"content-type": FORM_TYPE} | (headers or {})
        if key is not None:
            sent_headers["authorization"] = basic(key)
        return self.call(method, target, form.encode(), key=None, headers=sent_headers)

    def create_session(self, key: str = KEY, **changes: Any) -> dict[str, Any]:
        response = self.post(SESSIONS, ORDER | changes, key=key)
        assert response.status == 201, response.text
        session: dict[str, Any] = response.json
        return session

    def session(self, id: str, key: str = KEY) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"{SESSIONS}/{id}", key=key).json
        return found

    def pay(self, id: str, number: str = "4242424242424242", **fields: str) -> Response:
        return self.submit(id, CARD | {"number": number} | fields)

    def pay_by_phone(self, id: str, phone: str) -> Response:
        return self.submit(id, {"method": "mobile_money", "phone": phone})

    def submit(self, id: str, form: dict[str, str], token: str | None = None) -> Response:
        """Submits the page's form with a token, by default the one that the page has now."""
        path = f"/checkout/{id}"
        billing = BILLING if "_secret_" in id and "end" not in form else {}
        return self._send(path, billing | form | {"token": token or self.form_token(path)})

    def decide(self, attempt: str, decision: str) -> Response:
        """Submits the simulator's page as the session's shopper, and follows its redirect."""
        payment = payments.find(self.table, attempt)
        session = sessions.find(self.table, payment.session) if payment else None
        assert payment and session
        path = with_return_key(session, payment, f"/simulator/{attempt}")
        response = self._send(path, {"token": self.form_token(path), "decision": decision})
        return self.page(response.headers["location"])

    def choose_language(self, path: str, language: str) -> Response:
        """Submits the page's form of languages, whose token is the last."""
        token = re.findall(r'name="token" value="(\w+)"', self.page(path).text)[-1]
        return self._send(path, {"language": language, "token": token})

    def form_token(self, path: str) -> str:
        return token_in(self.page(path).text)

    def _send(self, path: str, form: dict[str, str]) -> Response:
        sent_headers = {"content-type": FORM_TYPE}
        return self.post(path, urlencode(form).encode(), key=None, headers=sent_headers)

    def page(self, target: str) -> Response:
        return self.get(target, key=None)

    def refused(
        self, error: tuple[Any, ...], method: str, target: str, body: Any = None, **options: Any
    ) -> Response:
        """Sends a request that must get this error (see Response.error) and change nothing."""
        with self.untouched():
            response = self.call(method, target, body, **options)
            assert response.error == error
        assert set(response.json) == {"error"}
        assert "None" not in response.json["error"]["message"]
        return response

    def offer_receipts(self, sender: str = SENDER, configuration_set: str = "") -> None:
        """Has the page offer receipts by e-mail, and moto take them. Without a sender, it stops
        that."""
        os.environ |= {"RECEIPT_SENDER": sender, "RECEIPT_CONFIGURATION_SET": configuration_set}
        settings.cache_clear()
        open_mailer.cache_clear()
        mailbox.open_mailbox(SENDER)
        self.recorder.attach(open_mailer().client)

    def mails(self) -> list[Mail]:
        """The e-mails that were sent, the oldest first."""
        return mailbox.mails()

    # ---------------------------------------------------------- functions

    def invoke(self, function: str, event: Any) -> Any:
        """Calls the function's handler in this thread, with an event and a context as in Lambda."""
        definition = TEMPLATE.functions[function]
        found = _functions.setdefault(function, Function(definition))
        with self.recorder.running(function):
            return found._handler(event, Context(definition))

    def sweep(self) -> None:
        """Dispatches the timers, and fires those that are due until none is left."""
        self.dispatch()
        while self.fire_due():
            pass

    def dispatch(self) -> Any:
        return self.invoke("DispatchTimers", {"source": "aws.scheduler"})

    def fire_due(self) -> int:
        """Fires the timers whose messages are visible, and returns how many there were."""
        queues, count = open_dispatcher(), 0
        for function, url in (
            ("FireTimers", queues.timer_queue),
            ("AskProcessors", queues.processor_queue),
            ("SendReceipt", queues.receipt_queue),
        ):
            for body in self.messages(url):
                self.fire(function, body)
                count += 1
        return count

    def fire(self, function: str, body: str) -> Any:
        response = self.invoke(function, {"Records": [{"messageId": "1", "body": body}]})
        assert response == {"batchItemFailures": []}

    def fan_out_all(self) -> None:
        """Sends FanOutEvents every event that was not fanned out, as the stream does."""
        for item in self.having("EVENT#", "EVENT"):
            if self.table.get(keys.fan_out(item["id"])) is None:
                record = {"dynamodb": {"NewImage": to_wire(item), "SequenceNumber": "1"}}
                failed = self.invoke("FanOutEvents", {"Records": [record]})
                assert failed == {"batchItemFailures": []}

    def send_all(self) -> int:
        """Sends SendWebhook each of the queue's messages, and returns how many failed."""
        failed = 0
        for body in self.messages():
            response = self.invoke("SendWebhook", {"Records": [{"messageId": "1", "body": body}]})
            failed += len(response["batchItemFailures"])
        return failed

    def messages(self, url: str | None = None) -> list[str]:
        """Takes all visible messages out of a queue, by default the queue of deliveries."""
        found: list[str] = []
        queue = open_queue()
        url = url or queue.url
        while True:
            response = queue.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            if not response.get("Messages"):
                return sorted(found)
            for message in response["Messages"]:
                found.append(message["Body"])
                queue.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    # -------------------------------------------------------------- table

    def disable_stream(self) -> None:
        """Disables the stream, for tests with many writes: dynoxide slows down unless a stack trims
        it."""
        self.table.client.update_table(
            TableName=self.table.name, StreamSpecification={"StreamEnabled": False}
        )

    def items(self) -> list[dict[str, Any]]:
        """All items except merchants and keys."""
        pages = self.table.client.get_paginator("scan").paginate(
            TableName=self.table.name, ConsistentRead=True
        )
        found = [from_wire(wire) for page in pages for wire in page["Items"]]
        return [item for item in found if not item["pk"].startswith(("KEY#", "MERCHANT#"))]

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Asserts that the block changes nothing in the table."""
        before = self.items()
        yield
        assert self.items() == before

    def having(self, prefix: str, sk: str = "") -> list[dict[str, Any]]:
        """The items whose keys start with these texts."""
        return [
            item
            for item in self.items()
            if item["pk"].startswith(prefix) and item["sk"].startswith(sk)
        ]

    def event_types(self) -> list[str]:
        return sorted(item["type"] for item in self.having("EVENT#", "EVENT"))


def change_context(world: World) -> ChangeContext:
    """The context of a change at the world's time."""
    return ChangeContext(int(world.now), render_events)


def attempt_in(location: str) -> str:
    """The payment in the address of the simulator's page."""
    return location.partition("?")[0].rpartition("/")[2]


def token_in(page: str) -> str:
    """The token of the first form of a page, or "" if it has no form."""
    found = re.search(r'name="token" value="(\w+)"', page)
    return found[1] if found else ""


def constant(page: str) -> str:
    """The page without its nonces, which alone differ between two responses about one state."""
    return re.sub(r'nonce="[\w-]{22}"', "", page)


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def _json(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def forget_process() -> None:
    """Clears all that a new Lambda process does not have."""
    for cached in (
        settings,
        open_table,
        open_client,
        open_queue,
        open_dispatcher,
        open_mailer,
        open_kms,
        decrypt,
        registry._open,
        limits.buckets,
    ):
        cached.cache_clear()
    forget_keys()
    breaker.forget()
