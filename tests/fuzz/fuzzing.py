"""Fuzzes one route on one runtime."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from checkout.api import limits
from checkout.api.authentication import forget_keys
from checkout.domain.account import Merchant
from checkout.encryption import encrypt
from checkout.store import accounts
from devstack.aws import api_gateway
from devstack.engines import Engine
from devstack.fixtures.sample_objects import save_samples
from devstack.http_messages import Request
from devstack.template import Route
from tests.fuzz import examples, rules
from tests.fuzz.mutations import Example, hostile_requests, valid_request
from tests.processors.accounts import open_at_paymongo, open_at_paystack, open_at_stripe
from tests.world import TEMPLATE, World

REQUESTS = 640
"""The number of requests to each route."""
BODIES = 500
"""At least this many requests to a route have a hostile body, unless the route is a GET or HEAD."""
MOST_BROKEN = 15
"""The number of rule violations after which the fuzz of a route ends."""
SEED = "2026-11-21"

ACCEPTED = {200, 201, 202, 303}
REFUSED = {308, 403, 404, 405}
"""The statuses that the examples of `$default` get."""


class Runtime(Protocol):
    """Where the handlers run."""

    def enter(self, world: World) -> None:
        """Makes the functions use the world's table, queue and key."""

    def call(self, function: str, event: Any) -> dict[str, Any]: ...


@dataclass
class Samples:
    """The items that the examples need, which are written again after a request changed them."""

    world: World
    items: list[Any]
    touched: list[Any] = field(default_factory=list)
    """The items that the route's valid requests change."""

    @classmethod
    def save(cls, world: World) -> "Samples":
        merchants = {
            "paygate": Merchant("merc_paygate", "Accra Books", "paygate"),
            "payrex": Merchant("merc_payrex", "Manila Mugs", "payrex"),
        }
        for api, merchant in merchants.items():
            accounts.save_merchant(merchant, world.table)
            accounts.save_key(f"sk_test_{api}", merchant, world.table)
            accounts.save_key(f"pk_test_{api}", merchant, world.table)
        accounts.save_merchant(Merchant(examples.STRIPE_MERCHANT, "Books", "paygate"), world.table)
        for open_account in (open_at_stripe, open_at_paystack, open_at_paymongo):
            open_account(world.table, examples.STRIPE_MERCHANT)
        save_samples(world.table, int(world.now), encrypt)
        return cls(world, _stored(world))

    def find_touched(self) -> None:
        """Remembers which items have changed, and restores them."""
        client, table = self.world.table.client, self.world.table.name
        keys = [_key(each) for each in self.items]
        found = client.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]
        changed = [each for each in self.items if each not in found]
        self.touched += [each for each in changed if each not in self.touched]
        self.restore()

    def restore(self) -> None:
        puts: Any = [{"PutRequest": {"Item": each}} for each in self.touched]
        if puts:
            self.world.table.client.batch_write_item(RequestItems={self.world.table.name: puts})

    def reset(self) -> None:
        """Undoes what requests changed: in the table, and in what this process remembers."""
        client, table = self.world.table.client, self.world.table.name
        stored = _stored(self.world)
        puts: Any = [{"PutRequest": {"Item": each}} for each in self.items if each not in stored]
        kept = [_key(each) for each in self.items]
        added = [key for key in map(_key, stored) if key not in kept]
        changes = puts + [{"DeleteRequest": {"Key": key}} for key in added]
        for start in range(0, len(changes), 25):
            client.batch_write_item(RequestItems={table: changes[start : start + 25]})
        limits.buckets.cache_clear()
        forget_keys()


def _stored(world: World) -> list[Any]:
    pages = world.table.client.get_paginator("scan").paginate(TableName=world.table.name)
    return [item for page in pages for item in page["Items"]]


def _key(item: Any) -> Any:
    return {name: item[name] for name in ("pk", "sk")}


@contextmanager
def sampled_world(engine: Engine) -> Iterator[Samples]:
    with World.open(engine) as world:
        yield Samples.save(world)


@dataclass
class Findings:
    """The rules that responses broke, each with its first request."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, rule: str, number: int, request: Request) -> None:
        self.counts[rule] += 1
        self.first.setdefault(rule, f"request {number}: {rules.shown(request)}")

    def lines(self) -> list[str]:
        return [f"{count} times: {rule}\n    {self.first[rule]}"
                for rule, count in self.counts.most_common()]  # fmt: skip


def fuzz(route: Route, runtime: Runtime, samples: Samples) -> list[str]:
    """The rules that were broken, each with its first request."""
    runtime.enter(samples.world)
    known = examples.examples_of(route, samples.world)
    _check_examples(route, runtime, samples, known)
    findings, hostile_bodies, changes = Findings(), 0, 0
    valid_bodies = [valid_request(each).body for each in known]
    # For an operation without a body, it matters less what the table holds.
    most_changes = 1 if any(valid_bodies) else 10
    requests = hostile_requests(known, examples.all_bodies(), f"{SEED} {route.key}")
    for number, request in enumerate(islice(requests, REQUESTS)):
        routed, outcome = _send(runtime, samples.world, request)
        for rule in rules.broken_rules(routed, request, outcome):
            findings.add(rule, number, request)
        if findings.counts.total() >= MOST_BROKEN:
            return findings.lines()
        changes += _may_have_changed(request, outcome)
        if changes >= most_changes:
            samples.restore()
            changes = 0
        hostile_bodies += request.body not in valid_bodies
    assert route.method in ("GET", "HEAD", "ANY") or hostile_bodies >= BODIES
    return findings.lines()


def _check_examples(route: Route, runtime: Runtime, samples: Samples, known: list[Example]) -> None:
    """Mutations of refused requests would test little. Also imports what handlers import late."""
    for example in known:
        request = valid_request(example)
        routed, outcome = _send(runtime, samples.world, request)
        assert routed == route
        status = outcome.get("result", {}).get("statusCode")
        is_limited = '"limit_reached"' in outcome.get("result", {}).get("body", "")
        expected = REFUSED if route.path == "$default" else ACCEPTED
        assert status in expected or is_limited, f"{rules.shown(request)}\n    {outcome}"
        samples.find_touched()


def _send(runtime: Runtime, world: World, request: Request) -> tuple[Route, dict[str, Any]]:
    match = api_gateway.choose_route(TEMPLATE.routes, request.method, request.path)
    assert match is not None  # there is a $default
    event = api_gateway.build_event(request, match, world.now)
    return match.route, runtime.call(match.route.function, event)


def _may_have_changed(request: Request, outcome: dict[str, Any]) -> bool:
    refused = 400 <= outcome.get("result", {}).get("statusCode", 0) <= 499
    return not refused and request.method not in ("GET", "HEAD")
