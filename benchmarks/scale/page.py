"""docs/scale.md: what was measured, what is computed from it, and what to turn.

Measurements take long, so they are kept in `figures.json`; the page is rendered from these alone.
"""

import json
import math
from pathlib import Path
from string import Template
from textwrap import fill
from typing import Any

from benchmarks.scale import model, timers
from benchmarks.scale.life import Life, Pattern, Written
from benchmarks.scale.model import Quota
from benchmarks.scale.virtual.stack import TEMPLATE
from checkout.store import keys
from checkout.store.timers import MAX_UNSWEPT

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/scale.md"
FIGURES = Path(__file__).with_name("figures.json")
PROSE = Path(__file__).with_name("page.md")

MERCHANT_GOAL, TOTAL_GOAL = 500, 5_000
"""Paid sessions a second, of one merchant and of all."""
RATES = 10, 100, 1_000, 10_000
HEADROOM = 1.5
"""A limit is set to so much more than the rate needs."""
EXPIRY_BATCH_SECONDS = 0.09
"""Of FireTimers with ten timers: 40 ms of CPU at 1 GB, and the calls of DynamoDB."""

WIDTH = 108
"""Of the page's lines."""

Figures = dict[str, Any]


def read_figures() -> Figures:
    found: Figures = json.loads(FIGURES.read_text())
    return found


def write_figures(figures: Figures) -> None:
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")


def life_to_json(life: Life) -> Any:
    return {
        "patterns": [[*pattern, *written] for pattern, written in life.patterns.items()],
        "operations": life.operations,
        "differences": life.differences,
    }


def life_of(kept: Any) -> Life:
    patterns = {
        Pattern(place, key): Written(units, partitions)
        for place, key, units, partitions in kept["patterns"]
    }
    return Life(patterns, kept["operations"], kept["differences"])


def render(figures: Figures) -> str:
    plain, rich = life_of(figures["plain"]), life_of(figures["metadata"])
    return Template(PROSE.read_text()).substitute(
        breaks=breaks(figures, plain, rich),
        operations=operations(plain, rich),
        patterns=patterns(plain, rich),
        differences=differences(plain, rich),
        sender=sender_rows(figures),
        burst_seconds=model.BURST_SECONDS,
        merchant=merchant(plain),
        merchant_rich=merchant(rich),
        merchant_walls=model.rows(model.partition_walls(plain, of_a_merchant=True)),
        shared_walls=model.rows(model.partition_walls(plain, of_a_merchant=False)),
        total_goal=f"{TOTAL_GOAL:,}",
        quotas=quota_rows(plain),
        request_ms=f"{model.REQUEST_SECONDS * 1000:.0f}",
        fan_out_ms=f"{model.FAN_OUT_SECONDS * 1000:.0f}",
        delivery_ms=f"{model.DELIVERY_SECONDS * 1000:.0f}",
        turns=turns(plain),
        timers=timer_rows(figures),
        timer_notes=timer_notes(figures),
        due=_wrapped(figures.get("due", "Not measured yet.")),
        throttling=figures.get("throttling", "Not measured yet."),
        merchant_goal=MERCHANT_GOAL,
    )


def breaks(figures: Figures, plain: Life, rich: Life) -> str:
    found = figures["timers"]
    one, many, silent = found["one"], found["many"], found["silent"]
    expiries = 40_000 / sum(plain.operations["expire by timer"].values())
    workers = int(TEMPLATE.parameters["TimerConcurrency"]) * 10 / EXPIRY_BATCH_SECONDS
    of_merchant = model.partition_walls(plain, of_a_merchant=True)
    walls = {each.name.split(":")[0]: each.wall.sessions for each in model.quotas(plain)}
    rows = [
        (
            "30 to 40 expiries a second: one sweep; 10,000 due together take 6 minutes, 100,000 "
            "take 56",
            f"{min(expiries, workers):,.0f} a second (the table's 40,000 units; the workers carry "
            f"{workers:,.0f}). 10,000 of one second: the last after {one['last']:.0f} s; 100,000 "
            f"of a minute: the last {many['last']:.0f} s late",
        ),
        (
            "a silent processor, 0.25 attempts a second: expiry p99 22 minutes",
            f"expiry p99 {silent['p99']:.1f} s beside 2,000 payments at a silent processor, "
            f"{found['ready']['p99']:.1f} s without",
        ),
        (
            "16 deliveries a second to one endpoint",
            to_one_endpoint(figures),
        ),
        (
            "83 to 166 paid sessions a second of one merchant: the index partition `<scope>#event`",
            f"{of_merchant[0].sessions:,.0f}: {of_merchant[0].name}",
        ),
        (
            "about 210 a second: fan-out",
            f"{walls['FanOutEvents']:,.0f} with four stream shards; grows with the table",
        ),
        (
            "about 285 a second: 200 senders",
            f"{walls['the parameter `WebhookConcurrency`']:,.0f}; a setting",
        ),
        (
            "about 666 a second: 16 timer shards",
            f"{walls['the parameter `TimerShards`']:,.0f} with {model.SHARDS} shards; a setting",
        ),
        (
            "78 write units a paid session, 111 with twelve metadata fields",
            f"{plain.units:.0f}, and {rich.units:.0f}",
        ),
        (
            "a throttled write: 40 calls and 60 s; a throttled read: 500",
            "10 calls at most, a 503 with `Retry-After` before the timeout: see below",
        ),
        (
            "100,000 overdue timers: `?status=expired` reads all of its shard's",
            f"it reads its own scope's, in {keys.DUE_PARTITIONS} partitions, {MAX_UNSWEPT:,} at "
            "most; beyond, 503",
        ),
    ]
    lines = "\n".join(f"| {old} | {new} |" for old, new in rows)
    return f"| before | now |\n|---|---|\n{lines}"


def to_one_endpoint(figures: Figures) -> str:
    """How many deliveries a second one endpoint gets that answers at once."""
    cpu, wall = figures["sender"]["batched"]["sender"]
    first, most = (
        int(TEMPLATE.parameters[name]) for name in ("WebhookInFlight", "WebhookMaxInFlight")
    )
    return (
        f"{wall:,.0f} by each sender if it answers at once, {cpu:,.0f} a second of CPU (`make "
        f"bench-webhooks EVENTS=0`); it may have {first} senders at first, and {most} while it "
        "answers well"
    )


def sender_rows(figures: Figures) -> str:
    lines = [
        "| messages | deliveries a second of CPU | bare | deliveries a second by the clock |",
        "|---|--:|--:|--:|",
    ]
    for name, title in (("single", "one by one"), ("batched", "in batches of ten")):
        (cpu, wall), (bare, _) = (figures["sender"][name][kind] for kind in ("sender", "reference"))
        lines.append(f"| {title} | {cpu:.0f} | {bare:.0f} | {wall:.0f} |")
    return "\n".join(lines)


def operations(plain: Life, rich: Life) -> str:
    lines = [
        "| operation | write units | with twelve metadata fields | of these in indexes |",
        "|---|--:|--:|--:|",
    ]
    for name, by_place in plain.operations.items():
        richer = rich.operations[name]
        in_indexes = sum(units for place, units in by_place.items() if place != "table")
        total, total_rich = sum(by_place.values()), sum(richer.values())
        lines.append(f"| {name} | {_round(total)} | {_round(total_rich)} | {_round(in_indexes)} |")
    lines.append(f"| **a paid session** | **{_round(plain.units)}** | **{_round(rich.units)}** | |")
    return "\n".join(lines)


def patterns(plain: Life, rich: Life) -> str:
    lines = [
        "| place | key | units a session | with metadata | partitions |",
        "|---|---|--:|--:|---|",
    ]
    for pattern, written in sorted(plain.patterns.items(), key=lambda each: -each[1].units):
        richer = rich.patterns.get(pattern, written).units
        spread = "each session has its own" if written.partitions is None else written.partitions
        if pattern.is_of_a_merchant and written.partitions:
            spread = f"{spread} of a merchant"
        lines.append(
            f"| {pattern.place} | `{pattern.key}` | {_round(written.units)} | {_round(richer)} "
            f"| {spread} |"
        )
    return "\n".join(lines)


def differences(plain: Life, rich: Life) -> str:
    found = len(plain.differences) + len(rich.differences)
    if not found:
        return "The units by key add up to what the engine reports, for every call."
    return f"In {found} calls the units by key do not add up to what the engine reports."


def merchant(life: Life) -> str:
    first = model.partition_walls(life, of_a_merchant=True)[0]
    met = "reached" if first.sessions >= MERCHANT_GOAL else "**not reached**"
    bursts = MERCHANT_GOAL if first.sessions < MERCHANT_GOAL else 2 * first.sessions
    return (
        f"{first.sessions:,.0f} a second, by {first.name} (the goal of {MERCHANT_GOAL} is {met}). "
        f"A burst may carry {bursts:,.0f} for {model.burst(first, bursts):.0f} seconds"
    )


def quota_rows(life: Life) -> str:
    lines = []
    for each in sorted(model.quotas(life), key=lambda quota: quota.wall.sessions):
        needed = _needed(each, TOTAL_GOAL)
        lines.append(
            f"| {each.name} | {each.value:,.0f} {each.unit} | {each.wall.sessions:,.0f} "
            f"| {needed or 'as it is'} | {each.remedy} |"
        )
    return "\n".join(lines)


def _needed(quota: Quota, sessions: float) -> str:
    """What to raise a limit to; "" if it is enough with headroom."""
    needed = quota.needed(sessions) * HEADROOM
    if needed <= quota.value:
        return ""
    magnitude = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return f"{math.ceil(needed / magnitude) * magnitude:,}"


def turns(life: Life) -> str:
    parts = []
    for rate in RATES:
        cells = math.ceil(rate / TOTAL_GOAL)
        each_rate = rate / cells
        raised = [
            f"{quota.name}: {_needed(quota, each_rate)} {quota.unit}"
            for quota in sorted(model.quotas(life), key=lambda quota: quota.wall.sessions)
            if _needed(quota, each_rate)
        ]
        if each_rate >= 100:
            raised.append("the parameter `TimerPollers`: 5, for bursts")
        title = f"**{rate:,} paid sessions a second**"
        if cells > 1:
            title += f": {cells} cells of {each_rate:,.0f} each, and in each"
        lines = "\n".join(f"- {each}" for each in raised) or "- nothing"
        parts.append(f"{title}\n\n{lines}")
    return "\n\n".join(parts)


def timer_rows(figures: Figures) -> str:
    found = figures["timers"]
    lines = [timers.row(plan.name, found[name]) for name, plan in timers.SCENARIOS.items()
             if name in found]  # fmt: skip
    return "\n".join([timers.HEADER, *lines])


def timer_notes(figures: Figures) -> str:
    found = figures["timers"]
    ratio = found["silent"]["p99"] / found["ready"]["p99"]
    return _wrapped(
        "The goals are p50 ≤ 1 s and p99 ≤ 5 s, with a silent processor at most 1.2 × that "
        f"(p99: {ratio:.2f} ×), nothing lost, and at most 1.2 messages for each timer in a backlog "
        f"of an hour ({found['backlog']['messages']:.2f}). With Lambda's default scaling, 10,000 "
        "timers of one second wait for workers: it starts with five batches at once. Five "
        "provisioned pollers (`TimerPollers`) start with fifty."
    )


def _wrapped(text: str) -> str:
    return fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)


def _round(units: float) -> str:
    return f"{units:.1f}".removesuffix(".0")
