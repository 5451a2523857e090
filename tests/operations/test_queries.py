"""The queries of docs/operations.md find what they promise, in the log of a shop's day."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

import pytest

from checkout.api import limits
from checkout.domain.ids import shortened
from checkout.settings import settings
from checkout.store import sessions
from tests.roots import ROOT
from tests.world import SESSIONS, World

Line = dict[str, Any]
EXAMPLE = "cs_1pHQqYv3fx2C9a"
"""The session in the guide's query."""

GUIDE = (ROOT / "docs/operations.md").read_text()
BLOCKS = re.findall(r"^```\n((?:#|filter ).*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
QUERIES = [
    " ".join(line for line in query.splitlines() if not line.startswith("#"))
    for block in BLOCKS
    for query in re.split(r"\n(?=#|filter )", block)
    if "filter" in query
]

# ------------------------------------------- the part of Logs Insights that they use


def run(query: str, lines: list[Line]) -> list[Line]:
    for stage in query.split(" | "):
        command, _, rest = stage.strip().removeprefix("| ").partition(" ")
        lines = COMMANDS[command](rest, lines)
    return lines


def find(rest: str, lines: list[Line]) -> list[Line]:
    return [line for line in lines if all(holds(each, line) for each in rest.split(" and "))]


def holds(condition: str, line: Line) -> bool:
    name, operator, value = condition.split(" ", 2)
    found = line.get(name)
    match operator:
        case "like":
            return re.search(value.strip("/"), str(found)) is not None
        case "=":
            return bool(found == json.loads(value))
        case ">=":
            return found is not None and found >= json.loads(value)
    raise AssertionError(f"{operator} is not supported")


def display(rest: str, lines: list[Line]) -> list[Line]:
    return [{name: value_of(line, name) for name in rest.split(", ")} for line in lines]


def count(rest: str, lines: list[Line]) -> list[Line]:
    _, _, names = rest.rpartition(" by ")
    groups: dict[tuple[Any, ...], int] = defaultdict(int)
    for line in lines:
        groups[tuple(value_of(line, name) for name in names.split(", "))] += 1
    return [
        dict(zip(names.split(", "), group, strict=True)) | {"count": number}
        for group, number in groups.items()
    ]


def value_of(line: Line, name: str) -> Any:
    field, _, index = name.partition(".")
    found = line.get(field)
    if isinstance(found, list) and index:
        return found[int(index)]
    return found


COMMANDS: Mapping[str, Callable[[str, list[Line]], list[Line]]] = {
    "filter": find,
    "sort": lambda _rest, lines: lines,
    "display": display,
    "stats": count,
}

# ---------------------------------------------------------------------------- tests


@pytest.fixture
def day(world: World, log: StringIO, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Line]]:
    """A session that is paid, refunded and reported, requests that are refused, and a fault.
    Returns the session's id and the log."""
    lines: list[Line] = []
    invoke = World.invoke

    def invoke_and_read(world: World, function: str, event: Any) -> Any:
        start = log.tell()
        result = invoke(world, function, event)
        stream = f"2026/11/22/checkout-{function}-1A2B[7]c3d4"
        for text in log.getvalue()[start:].splitlines():
            fields = {"@message": text, "@logStream": stream, "@timestamp": world.now}
            lines.append(json.loads(text) | fields)
        return result

    monkeypatch.setattr(World, "invoke", invoke_and_read)
    hook = {"url": "http://127.0.0.1:1/hooks", "events": ["checkout.session.completed"]}
    world.post("/v1/webhooks", hook)
    session = world.create_session()["id"]
    world.pay(session)
    payment = world.session(session)["payment"]
    world.post("/v1/refunds", {"payment": payment, "amount": 100})
    world.fan_out_all()
    world.send_all()
    world.post(SESSIONS, {"amount": -1})
    with monkeypatch.context() as broken:
        broken.setattr(sessions, "find", None)
        world.page(f"/checkout/{session}")
    monkeypatch.setenv("MERCHANT_RATE", "1")
    settings.cache_clear()
    limits.buckets.cache_clear()
    for _ in range(3):
        world.get(SESSIONS)
    return session, lines


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_guide_finds_something_in_each_of_its_fields(
    day: tuple[str, list[Line]], query: str
) -> None:
    session, lines = day

    found = run(query.replace(EXAMPLE, shortened(session)), lines)

    assert found
    for name in found[0]:
        assert any(line[name] is not None for line in found), name


def test_the_sessions_query_shows_its_whole_life(day: tuple[str, list[Line]]) -> None:
    session, lines = day

    found = find(f"@message like /{shortened(session)}/", lines)
    functions = {line["@logStream"].split("-")[1] for line in found}
    assert functions == {
        "CreateCheckoutSession",
        "ShowPage",
        "PayPage",
        "RetrieveCheckoutSession",
        "CreateRefund",
        "FanOutEvents",
        "SendWebhook",
    }
    assert all(line["merchant"] for line in found if line["message"] == "changed")


def test_the_guide_has_the_queries() -> None:
    assert len(QUERIES) == 6
