"""PayGate's events API: events, their deliveries, and resending (docs/contracts/paygate.md,
section 5)."""

from typing import Any

import pytest

from checkout.api.paygate.objects import EVENT_TYPES
from checkout.api.paygate.render import render_time
from checkout.domain.event import KEPT_SECONDS
from checkout.store import keys
from checkout.store.items import to_wire
from checkout.store.timers import NET_SECONDS
from checkout.webhooks import resending
from checkout.webhooks import timers as webhook_timers
from checkout.webhooks.retry import DELAYS
from tests.receiver import Receiver, listening
from tests.world import LIVE_KEY, OTHER_KEY, SESSIONS, START, World

COMPLETED, PAID = "checkout.session.completed", "payment.succeeded"
UNKNOWN = f"evt_{'1' * 32}"
NOT_FOUND = (404, "invalid_request_error", "resource_missing", "id")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives resends more time than a busy machine needs; test_bulk_timers tests their limit."""
    monkeypatch.setattr(webhook_timers, "BULK_MS", 60_000)


@pytest.fixture
def receiver() -> Any:
    with listening() as opened:
        yield opened


def subscribe(world: World, url: str, *types: str) -> str:
    response = world.post("/v1/webhooks", {"url": url, "events": list(types or (COMPLETED,))})
    id: str = response.json["id"]
    return id


def fan_out(world: World) -> None:
    """Fans out every event, as the stream does."""
    for number, item in enumerate(world.having("EVENT#", "EVENT")):
        content = {"NewImage": to_wire(item), "SequenceNumber": str(number)}
        world.invoke("FanOutEvents", {"Records": [{"dynamodb": content}]})


def send(world: World) -> None:
    """Delivers the queue's messages."""
    for body in world.messages():
        record = {"messageId": "1", "body": body}
        assert world.invoke("SendWebhook", {"Records": [record]}) == {"batchItemFailures": []}


def paid(world: World) -> dict[str, Any]:
    """The `checkout.session.completed` event of a new, paid session."""
    session = world.create_session()["id"]
    world.pay(session)
    query = f"checkout_session={session}&type={COMPLETED}"
    event: dict[str, Any]
    (event,) = world.get(f"/v1/events?{query}").json["data"]
    return event


def counts(world: World, id: str) -> tuple[int, int]:
    """How many deliveries of the event are pending, and how many have failed."""
    states = [each["state"] for each in world.get(f"/v1/events/{id}/deliveries").json["data"]]
    return states.count("pending"), states.count("failed")


def exhaust(world: World, receiver: Receiver, event: str) -> None:
    """Lets every attempt of the schedule fail."""
    receiver.statuses = [500] * (len(DELAYS) + 1)
    fan_out(world)
    send(world)
    for _ in DELAYS:
        world.now = min(timer["due"] for timer in world.having("TIMER#"))
        world.sweep()
        send(world)
    assert counts(world, event) == (0, 1)


def types_of(world: World, query: str) -> list[str]:
    response = world.get(f"/v1/events?{query}")
    assert response.status == 200, response.text
    return sorted(each["type"] for each in response.json["data"])


# ------------------------------------------------------------------- lists


def test_events_are_listed_by_type_and_by_session(world: World) -> None:
    first, second = (world.create_session()["id"] for _ in range(2))
    world.pay(first)
    world.post(f"{SESSIONS}/{second}/expire")

    assert types_of(world, f"type={PAID}") == [PAID]
    assert types_of(world, f"checkout_session={first}") == [COMPLETED, PAID]
    assert types_of(world, f"checkout_session={second}&type={PAID}") == []


def test_a_time_range_filters_by_created_at_with_the_bounds_it_names(world: World) -> None:
    moments = [START, START + 1, START + 2, START + 3]
    for moment in moments:
        world.now = moment + 0.9994  # not a whole second
        world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")
    world.now = START + 9

    def found(*bounds: tuple[str, int], form: Any = render_time) -> list[int]:
        query = "&".join(f"created_at[{name}]={form(moment)}" for name, moment in bounds)
        listed = world.get(f"/v1/events?{query}").json["data"]
        return [moments[[render_time(m) for m in moments].index(e["created_at"])] for e in listed]

    for form in (render_time, str):
        assert found(("gte", moments[1]), form=form) == moments[:0:-1]
        assert found(("gt", moments[1]), form=form) == moments[:1:-1]
        assert found(("lte", moments[1]), form=form) == [moments[1], moments[0]]
        assert found(("lt", moments[1]), form=form) == [moments[0]]
    assert found(("gte", moments[1]), ("lte", moments[2])) == [moments[2], moments[1]]
    assert found(("gt", moments[0]), ("lt", moments[1])) == []
    assert found(("gte", moments[3]), ("lte", moments[0])) == []


def test_a_time_range_is_paged(world: World) -> None:
    for second in range(6):
        world.now = START + second
        world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")
    query = f"/v1/events?limit=2&created_at[gte]={START + 1}&created_at[lte]={START + 4}"
    everything = [e["id"] for e in world.get("/v1/events").json["data"]]

    first = world.get(query).json
    second = world.get(f"{query}&starting_after={first['data'][-1]['id']}").json

    assert [e["id"] for e in first["data"] + second["data"]] == everything[1:5]
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_events_are_listed_by_delivery_state(world: World, receiver: Receiver) -> None:
    subscribe(world, receiver.url, PAID)
    completed = paid(world)["id"]
    (event,) = world.get(f"/v1/events?type={PAID}").json["data"]
    assert types_of(world, "delivery_state=pending") == [COMPLETED, PAID]
    fan_out(world)
    assert types_of(world, "delivery_state=pending") == [PAID]
    assert types_of(world, "delivery_state=delivered") == [COMPLETED]
    exhaust(world, receiver, event["id"])

    assert types_of(world, "delivery_state=failed") == [PAID]
    assert types_of(world, "delivery_state=pending") == []
    assert counts(world, completed) == (0, 0)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("type=checkout.session.opened", "type"),
        ("delivery_state=lost", "delivery_state"),
        ("checkout_session=pay_1", "checkout_session"),
        ("created_at[gte]=yesterday", "created_at[gte]"),
        ("created_at[lt]=2026-13-01T00:00:00Z", "created_at[lt]"),
        ("created_at[lt]=2026-01-01T00:00:00%2B01:00", "created_at[lt]"),
        ("created_at[gt]=-1", "created_at[gt]"),
    ],
)
def test_a_bad_filter_value_is_refused(world: World, query: str, param: str) -> None:
    error = (400, "invalid_request_error", "parameter_invalid", param)
    world.refused(error, "GET", f"/v1/events?{query}")


@pytest.mark.parametrize(
    ("query", "is_listed"),
    [
        ("created_at[gte]=0001-01-01T00:00:00Z", True),
        ("created_at[gt]=0001-01-01T00:00:00Z", True),
        ("created_at[gte]=1969-12-31T23:59:59Z", True),
        ("created_at[gte]=0", True),
        ("created_at[gte]=6029-01-01T00:00:00Z", False),
        ("created_at[gt]=9999-12-31T23:59:59Z", False),
        ("created_at[gte]=9999999999", False),
        ("created_at[lte]=0001-01-01T00:00:00Z", False),
        ("created_at[lt]=0001-01-01T00:00:00Z", False),
        ("created_at[lte]=6029-01-01T00:00:00Z", True),
        ("created_at[lte]=9999-12-31T23:59:59Z", True),
        ("created_at[gte]=0001-01-01T00:00:00Z&created_at[lte]=9999-12-31T23:59:59Z", True),
    ],
)
def test_a_bound_outside_the_range_of_ids_matches_all_events_or_none(
    world: World, query: str, is_listed: bool
) -> None:
    world.post(f"{SESSIONS}/{world.create_session()['id']}/expire")

    assert bool(types_of(world, query)) is is_listed


def test_an_unknown_filter_is_refused(world: World) -> None:
    error = (400, "invalid_request_error", "parameter_unknown", "created_at[eq]")
    world.refused(error, "GET", "/v1/events?created_at[eq]=1")


def test_a_page_whose_filter_leaves_out_few_events_costs_one_query(world: World) -> None:
    for _ in range(4):
        world.pay(world.create_session()["id"])
    queries: list[str] = []
    events = world.table.client.meta.events
    events.register("provide-client-params.dynamodb.Query", lambda **_: queries.append("query"))

    types_of(world, f"type={PAID}&created_at[gte]={START}&limit=2")

    assert queries == ["query"] * keys.LIST_PARTITIONS


# -------------------------------------------------------------- deliveries


def test_a_delivery_shows_its_attempts(world: World, receiver: Receiver) -> None:
    hook = subscribe(world, receiver.url)
    event = paid(world)["id"]
    receiver.statuses = [500]
    fan_out(world)
    send(world)

    response = world.get(f"/v1/events/{event}/deliveries").json

    assert (response["object"], response["has_more"]) == ("list", False)
    assert response["url"] == f"/v1/events/{event}/deliveries"
    (delivery,) = response["data"]
    (attempt,) = delivery.pop("attempts")
    next_attempt_at = delivery.pop("next_attempt_at")
    assert render_time(START + 3) < next_attempt_at < render_time(START + 7)
    assert delivery == {
        "object": "event_delivery",
        "event": event,
        "webhook": hook,
        "state": "pending",
        "attempt_count": 1,
    }
    assert attempt.pop("duration_ms") >= 0
    assert attempt == {"at": render_time(START), "status": 500, "error": None, "answer": None}
    world.now += 120
    world.sweep()
    send(world)
    (delivery,) = world.get(f"/v1/events/{event}/deliveries").json["data"]
    assert (delivery["state"], delivery["next_attempt_at"]) == ("delivered", None)
    assert [each["status"] for each in delivery["attempts"]] == [500, 200]


def test_other_scopes_cannot_see_or_resend_events(world: World) -> None:
    event, hook = paid(world)["id"], subscribe(world, "https://hooks.example.com")
    resend = world.post("/v1/events/resend", {"created_at": {"gte": 0}}).json["id"]
    for key in (OTHER_KEY, LIVE_KEY):
        for method, target in (
            ("GET", f"/v1/events/{event}/deliveries"),
            ("POST", f"/v1/events/{event}/resend"),
            ("GET", f"/v1/events/resends/{resend}"),
            ("POST", f"/v1/webhooks/{hook}/test"),
            ("POST", f"/v1/webhooks/{hook}/rotate"),
        ):
            world.refused(NOT_FOUND, method, target, key=key)
    error = (400, "invalid_request_error", "resource_missing", "webhook")
    other = world.post(
        "/v1/webhooks", {"url": "https://a.example.com", "events": [PAID]}, key=OTHER_KEY
    ).json["id"]
    world.refused(error, "POST", f"/v1/events/{event}/resend", {"webhook": other})


# ------------------------------------------------------------------ resend


def test_a_failed_event_is_resent_unchanged(world: World, receiver: Receiver) -> None:
    hook = subscribe(world, receiver.url)
    event = paid(world)["id"]
    exhaust(world, receiver, event)
    assert len(receiver.received) == len(DELAYS) + 1

    response = world.post(f"/v1/events/{event}/resend")

    assert response.status == 202
    (delivery,) = response.json["data"]
    assert (delivery["webhook"], delivery["state"]) == (hook, "pending")
    assert counts(world, event) == (1, 0)
    receiver.statuses = [500]
    send(world)
    assert counts(world, event) == (1, 0)  # the retry schedule has started again
    world.now += 90
    world.sweep()
    send(world)
    assert counts(world, event) == (0, 0)
    assert len(receiver.received) == len(DELAYS) + 3
    assert len({each.body for each in receiver.received}) == 1
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1


def test_a_resend_whose_message_is_lost_is_sent_by_its_timer(
    world: World, receiver: Receiver
) -> None:
    subscribe(world, receiver.url)
    event = paid(world)["id"]
    fan_out(world)
    send(world)
    world.post(f"/v1/events/{event}/resend")
    world.messages()

    world.now += NET_SECONDS
    world.sweep()
    send(world)

    assert len(receiver.received) == 2
    assert counts(world, event) == (0, 0)


def test_an_endpoint_without_a_subscription_is_sent_an_event_if_named(
    world: World, receiver: Receiver
) -> None:
    subscribe(world, f"{receiver.url}/first")
    event = paid(world)["id"]
    fan_out(world)
    send(world)
    late = subscribe(world, f"{receiver.url}/late", PAID)

    response = world.post(f"/v1/events/{event}/resend", {"webhook": late})

    assert [each["webhook"] for each in response.json["data"]] == [late]
    assert counts(world, event) == (1, 0)
    send(world)
    assert counts(world, event) == (0, 0)
    assert [each.path for each in receiver.received] == ["/hooks/first", "/hooks/late"]
    assert len({each.body for each in receiver.received}) == 1


def test_resending_a_pending_delivery_attempts_it_at_once(world: World, receiver: Receiver) -> None:
    subscribe(world, receiver.url)
    event = paid(world)["id"]
    receiver.statuses = [500]
    fan_out(world)
    send(world)
    assert counts(world, event) == (1, 0)

    world.now += 2
    world.post(f"/v1/events/{event}/resend")
    assert counts(world, event) == (1, 0)
    send(world)

    assert counts(world, event) == (0, 0)
    assert len(receiver.received) == 2
    world.now += 86_400
    world.sweep()
    assert world.having("TIMER#") == []


def test_a_resend_before_the_fan_out_delivers_once(world: World, receiver: Receiver) -> None:
    subscribe(world, receiver.url)
    event = paid(world)["id"]

    world.post(f"/v1/events/{event}/resend")
    fan_out(world)
    send(world)

    assert counts(world, event) == (0, 0)
    assert len({each.body for each in receiver.received}) == 1


def test_resending_to_a_disabled_endpoint_is_refused(world: World) -> None:
    hook = subscribe(world, "https://hooks.example.com")
    event = paid(world)["id"]
    world.call("PATCH", f"/v1/webhooks/{hook}", {"status": "disabled"})
    error = (409, "invalid_request_error", "webhook_disabled", "webhook")

    world.refused(error, "POST", f"/v1/events/{event}/resend", {"webhook": hook})
    world.refused(error, "POST", f"/v1/webhooks/{hook}/test")
    body = {"created_at": {"gte": 0}, "webhook": hook}
    world.refused(error, "POST", "/v1/events/resend", body)


def test_an_unknown_event_cannot_be_resent(world: World) -> None:
    world.refused(NOT_FOUND, "POST", f"/v1/events/{UNKNOWN}/resend")
    world.refused(NOT_FOUND, "GET", f"/v1/events/{UNKNOWN}/deliveries")


# ----------------------------------------------------------- a time range


def test_a_time_range_is_resent_oldest_first(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "PAGE_SIZE", 2)
    monkeypatch.setattr(resending, "MAX_PAGES", 2)
    subscribe(world, receiver.url)
    sent = []
    for second in range(7):
        world.now = START + 10 * second
        sent.append(paid(world)["id"])
    fan_out(world)
    send(world)
    receiver.received.clear()
    world.now = START + 1000
    body = {
        "created_at": {"gte": render_time(START + 10), "lte": START + 59},
        "type": COMPLETED,
    }

    response = world.post("/v1/events/resend", body)

    assert response.status == 202
    resend = response.json
    assert (resend["object"], resend["status"], resend["sent_count"]) == (
        "event_resend",
        "pending",
        0,
    )
    world.sweep()
    half = world.get(f"/v1/events/resends/{resend['id']}").json
    assert (half["status"], half["sent_count"]) == ("pending", 4)
    world.now += 60
    world.sweep()
    whole = world.get(f"/v1/events/resends/{resend['id']}").json
    assert (whole["status"], whole["sent_count"]) == ("done", 5)
    send(world)
    request = [each.headers["webhook-id"] for each in receiver.received]
    assert sorted(request) == sorted(sent[1:6])
    assert {counts(world, id) for id in sent} == {(0, 0)}
    assert not [timer for timer in world.having("TIMER#") if timer["kind"] == "resend"]


def test_a_resend_of_too_many_events_ends_and_shows_how_far_it_came(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "PAGE_SIZE", 2)
    monkeypatch.setattr(resending, "MAX_EVENTS", 3)
    subscribe(world, receiver.url)
    for second in range(6):
        world.now = START + 10 * second
        paid(world)
    fan_out(world)
    send(world)
    world.now = START + 1000
    body = {"created_at": {"gte": START}, "type": COMPLETED}

    id = world.post("/v1/events/resend", body).json["id"]
    world.sweep()

    resend = world.get(f"/v1/events/resends/{id}").json
    assert (resend["status"], resend["sent_count"]) == ("done", 4)
    assert resend["range"]["lte"] == render_time(START + 29)
    rest = {"created_at": {"gte": resend["range"]["lte"]}, "type": COMPLETED}
    assert world.post("/v1/events/resend", rest).status == 202


def test_a_resend_filtered_by_failed_skips_delivered_events(
    world: World, receiver: Receiver
) -> None:
    subscribe(world, f"{receiver.url}/down")
    event = paid(world)["id"]
    exhaust(world, receiver, event)
    receiver.received.clear()
    subscribe(world, f"{receiver.url}/new")
    other = paid(world)["id"]
    fan_out(world)
    send(world)
    receiver.received.clear()

    body = {"created_at": {"gte": START}, "delivery_state": "failed"}
    resend = world.post("/v1/events/resend", body).json["id"]
    world.sweep()
    send(world)

    assert [(each.path, each.headers["webhook-id"]) for each in receiver.received] == [
        ("/hooks/down", event)
    ]
    assert world.get(f"/v1/events/resends/{resend}").json["sent_count"] == 1
    assert (counts(world, event), counts(world, other)) == ((0, 0), (0, 0))


def test_a_second_resend_of_a_range_is_refused_while_one_is_pending(world: World) -> None:
    body, target = {"created_at": {"gte": 0}}, "/v1/events/resend"
    error = (422, "invalid_request_error", "limit_reached", None)
    first = world.post(target, body, headers={"idempotency-key": "first"})

    world.refused(error, "POST", target, body)
    world.refused(error, "POST", target, body, headers={"idempotency-key": "second"})

    repeated = world.post(target, body, headers={"idempotency-key": "first"})
    assert (repeated.status, repeated.text) == (202, first.text)
    for key in (LIVE_KEY, OTHER_KEY):
        assert world.post(target, body, key=key).status == 202
    world.sweep()
    assert world.get(f"/v1/events/resends/{first.json['id']}").json["status"] == "done"
    assert world.post(target, body).status == 202


def test_an_unfinished_resend_blocks_others_until_its_events_are_deleted(
    world: World,
) -> None:
    body, target = {"created_at": {"gte": 0}}, "/v1/events/resend"
    assert world.post(target, body).status == 202
    error = (422, "invalid_request_error", "limit_reached", None)

    world.now += KEPT_SECONDS - 1
    world.refused(error, "POST", target, body)
    world.now += 1

    assert world.post(target, body).status == 202


def test_a_resend_is_created_once_under_an_idempotency_key(world: World) -> None:
    body = {"created_at": {"gte": START}}
    first, second = (
        world.post("/v1/events/resend", body, headers={"idempotency-key": "again"})
        for _ in range(2)
    )

    assert (first.status, second.status) == (202, 202)
    assert first.text == second.text
    assert second.headers["idempotent-replayed"] == "true"
    assert len(world.having("RESEND#")) == 1


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "parameter_missing", "created_at"),
        ({"created_at": {}}, "parameter_missing", "created_at[gte]"),
        ({"created_at": {"gte": "soon"}}, "parameter_invalid", "created_at[gte]"),
        ({"created_at": {"gte": True}}, "parameter_invalid", "created_at[gte]"),
        ({"created_at": {"gte": 9, "lte": 8}}, "parameter_invalid", "created_at[lte]"),
        ({"created_at": {"gte": 9, "lt": 8}}, "parameter_unknown", "created_at[lt]"),
        ({"created_at": {"gte": 9}, "type": "x"}, "parameter_invalid", "type"),
        ({"created_at": {"gte": 9}, "webhook": "x"}, "parameter_invalid", "webhook"),
        ({"created_at": {"gte": 9}, "delivery_state": "x"}, "parameter_invalid", "delivery_state"),
        ({"created_at": {"gte": 9}, "limit": 3}, "parameter_unknown", "limit"),
    ],
)
def test_a_bad_time_range_is_refused(world: World, body: Any, code: str, param: str) -> None:
    error = (400, "invalid_request_error", code, param)
    world.refused(error, "POST", "/v1/events/resend", body)


# ------------------------------------------------------- test and rotation


@pytest.mark.parametrize("event_type", EVENT_TYPES.values())
def test_a_sample_event_is_sent_only_to_its_endpoint(
    world: World, receiver: Receiver, event_type: str
) -> None:
    hook = subscribe(world, f"{receiver.url}/tested", event_type)
    subscribe(world, f"{receiver.url}/other", event_type)

    response = world.post(f"/v1/webhooks/{hook}/test", {"type": event_type})

    assert response.status == 202
    event = response.json
    assert (event["type"], event["sequence"]) == (event_type, None)
    assert event["data"]["object"]["metadata"] == {"sample": "true"}
    assert "SAMPLE" in event["data"]["object"]["id"]
    fan_out(world)
    send(world)
    (request,) = receiver.received
    assert request.path == "/hooks/tested"
    assert request.headers["webhook-id"] == event["id"]
    assert request.headers["x-paygate-signature"]
    assert world.get(f"/v1/events/{event['id']}").json["pending_webhooks"] == 0


def test_a_sample_has_a_type_the_endpoint_subscribes_to(world: World) -> None:
    hook = subscribe(world, "https://hooks.example.com", PAID)
    error = (400, "invalid_request_error", "parameter_invalid", "type")
    world.refused(error, "POST", f"/v1/webhooks/{hook}/test", {"type": COMPLETED})
    assert world.post(f"/v1/webhooks/{hook}/test").json["type"] == PAID


def test_a_rotated_secret_is_shown_once_and_the_old_one_signs_for_a_day(
    world: World, receiver: Receiver
) -> None:
    created = world.post("/v1/webhooks", {"url": receiver.url, "events": [COMPLETED]}).json
    hook = created["id"]

    rotated = world.post(f"/v1/webhooks/{hook}/rotate", headers={"idempotency-key": "r1"})
    again = world.post(f"/v1/webhooks/{hook}/rotate", headers={"idempotency-key": "r1"})

    assert rotated.status == 200
    assert rotated.json["secret"].startswith("whsec_")
    assert rotated.json["secret"] != created["secret"]
    assert again.text == rotated.text
    assert again.headers["idempotent-replayed"] == "true"
    assert "secret" not in world.get(f"/v1/webhooks/{hook}").json
    for wait, signatures in ((0, 2), (86_400, 1)):
        world.now += wait
        receiver.received.clear()
        world.post(f"/v1/webhooks/{hook}/test")
        fan_out(world)
        send(world)
        (request,) = receiver.received
        assert request.headers["x-paygate-signature"].count("v1=") == signatures


def test_a_webhook_endpoint_shows_why_it_is_disabled(world: World) -> None:
    hook = subscribe(world, "https://hooks.example.com")
    assert world.get(f"/v1/webhooks/{hook}").json["disabled_because"] is None
    disabled = world.call("PATCH", f"/v1/webhooks/{hook}", {"status": "disabled"}).json
    assert disabled["disabled_because"] == "merchant"
