"""Stream filters match the same records as on Lambda."""

from typing import Any

import pytest

from devstack.aws.event_patterns import check_pattern, matches, matches_any
from devstack.template import Json, TemplateError

RECORD: Json = {
    "eventName": "REMOVE",
    "userIdentity": {"principalId": "dynamodb.amazonaws.com"},
    "dynamodb": {"Keys": {"pk": {"S": "TIMER#3"}}, "OldImage": {"count": {"N": "3"}}},
}


def at_key(alternatives: list[Any]) -> Json:
    return {"dynamodb": {"Keys": {"pk": {"S": alternatives}}}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"eventName": ["REMOVE"]}, True),
        ({"eventName": ["INSERT", "REMOVE"]}, True),
        ({"eventName": ["INSERT"]}, False),
        ({"eventName": ["REMOVE"], "dynamodb": {"Keys": {"pk": {"S": ["other"]}}}}, False),
        ({"missing": {"deep": ["x"]}}, False),
        (at_key([{"prefix": "TIMER#"}]), True),
        (at_key([{"prefix": "EVENT#"}]), False),
        (at_key([{"prefix": "EVENT#"}, "TIMER#3"]), True),
        (at_key([{"anything-but": ["TIMER#3"]}]), False),
        (at_key([{"anything-but": "TIMER#4"}]), True),
        (at_key([{"exists": True}]), True),
        (at_key([{"exists": False}]), False),
        ({"dynamodb": {"NewImage": [{"exists": False}]}}, True),
        ({"dynamodb": {"NewImage": {"a": {"S": [{"exists": False}]}}}}, True),
        ({"dynamodb": {"NewImage": {"a": {"S": [{"anything-but": "b"}]}}}}, False),
        ({"userIdentity": {"principalId": [{"prefix": "dynamodb"}]}}, True),
        ({"dynamodb": {"OldImage": {"count": {"N": [3]}}}}, False),
    ],
)
def test_pattern_matches_if_each_key_matches(pattern: Json, expected: bool) -> None:
    assert matches(pattern, RECORD) is expected


def test_one_matching_filter_is_enough() -> None:
    filters = [{"eventName": ["INSERT"]}, {"eventName": ["REMOVE"]}]
    assert matches_any(filters, RECORD)
    assert not matches_any(filters[:1], RECORD)


def test_without_filters_every_record_matches() -> None:
    assert matches_any([], RECORD)


def test_number_does_not_match_boolean() -> None:
    assert not matches({"flag": [1]}, {"flag": True})


@pytest.mark.parametrize(
    "pattern", [{"eventName": "INSERT"}, {"eventName": [{"suffix": "T"}]}, {"a": {"b": 3}}]
)
def test_unsupported_pattern_is_refused(pattern: Json) -> None:
    with pytest.raises(TemplateError):
        check_pattern(pattern)
