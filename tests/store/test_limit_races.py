"""Limits hold against requests at the same moment, on an engine with atomic transactions."""

from collections import Counter
from collections.abc import Callable

import pytest

from checkout.store import webhook_endpoints
from checkout.store.webhook_endpoints import MAX_ENDPOINTS
from tests.racing import ROUNDS, race, worlds
from tests.world import SCOPE, Response, World

pytestmark = pytest.mark.dynoxide

WEBHOOKS = "/v1/webhooks"
PAYREX_SCOPE = "merc_manila#test"


def creating(world: World) -> Callable[[], Response]:
    hook = {"url": "https://shop.example/hooks", "events": ["checkout.session.completed"]}
    return lambda: world.post(WEBHOOKS, hook)


def creating_payrex(world: World) -> Callable[[], Response]:
    form = "url=https://shop.example/hooks&events[]=payment_intent.succeeded"
    return lambda: world.payrex("POST", "/webhooks", form)


@pytest.mark.parametrize(
    ("create", "scope", "refused"),
    [(creating, SCOPE, 422), (creating_payrex, PAYREX_SCOPE, 400)],
    ids=["paygate", "payrex"],
)
def test_endpoints_created_at_once_stay_within_their_limit(
    create: Callable[[World], Callable[[], Response]], scope: str, refused: int
) -> None:
    for world, rounds in worlds(max(1, ROUNDS // 20)):
        for _ in range(MAX_ENDPOINTS - 2):
            assert create(world)().status in (200, 201)
        for _ in rounds:
            answers = race(*[create(world)] * 5)

            assert Counter(each.status for each in answers)[refused] == 3
            made = [each.json["id"] for each in answers if each.status != refused]
            assert len(webhook_endpoints.of_scope(world.table, scope)) == MAX_ENDPOINTS
            for id in made:
                webhook_endpoints.delete(world.table, scope, id, int(world.now))


def test_one_of_several_resends_of_a_range_at_once_is_created() -> None:
    for world, rounds in worlds(max(1, ROUNDS // 20)):
        for _ in rounds:
            body = {"created_at": {"gte": 0}}
            answers = race(*[lambda: world.post("/v1/events/resend", body)] * 5)

            assert sorted(each.status for each in answers) == [202, 422, 422, 422, 422]
            world.now += 1
            race(world.sweep, world.sweep)
            assert {item["status"] for item in world.having("RESEND#")} == {"done"}
            assert world.having("PENDING_RESEND#") == []


def test_endpoints_created_at_once_below_the_limit_are_all_created() -> None:
    for world, _ in worlds(1):
        answers = race(*[creating(world)] * 8)

        assert [each.status for each in answers] == [201] * 8
        assert len(webhook_endpoints.of_scope(world.table, SCOPE)) == 8
