"""What DynamoDB counts for a write, by table, index and key."""

from typing import Any

import pytest

from benchmarks.scale import life, page
from benchmarks.scale.units import TABLE, Layout, Units

KEYS_ONLY = {"ProjectionType": "KEYS_ONLY"}
ALL = {"ProjectionType": "ALL"}


def layout(projection: Any) -> Layout:
    def key(hash: str, range: str) -> list[dict[str, str]]:
        return [
            {"AttributeName": hash, "KeyType": "HASH"},
            {"AttributeName": range, "KeyType": "RANGE"},
        ]

    index = {"IndexName": "gsi", "KeySchema": key("gpk", "gsk"), "Projection": projection}
    return Layout.of({"KeySchema": key("pk", "sk"), "GlobalSecondaryIndexes": [index]})


def item(gpk: str | None = "list", size: int = 100, **more: str) -> dict[str, Any]:
    values = {"pk": "1", "sk": "1", "gsk": "1", "text": "x" * size, **more}
    if gpk:
        values["gpk"] = gpk
    return {name: {"S": value} for name, value in values.items()}


def counted(before: Any, after: Any, projection: Any = ALL, together: bool = True) -> list[Units]:
    return list(layout(projection).write(before, after, together))


def test_a_transaction_doubles_the_units_of_the_table_and_not_of_an_index() -> None:
    assert counted(None, item()) == [Units(TABLE, "1", 2), Units("gsi", "list", 1)]
    assert counted(None, item(), together=False)[0] == Units(TABLE, "1", 1)


def test_moving_an_entry_of_an_index_costs_two_writes() -> None:
    moved = counted(item("open"), item("paid"))

    assert moved[1:] == [Units("gsi", "open", 1), Units("gsi", "paid", 1)]


def test_an_entry_whose_projected_attributes_stay_costs_nothing() -> None:
    assert counted(item(text="a"), item(text="b"), KEYS_ONLY) == [Units(TABLE, "1", 2)]
    assert len(counted(item(text="a"), item(text="b"), ALL)) == 2


def test_a_write_costs_the_larger_of_the_item_before_and_after() -> None:
    assert counted(item(size=3000), item(size=10))[0].units == 2 * 3
    assert counted(item(size=3000), None)[0].units == 2 * 3


def test_an_item_that_is_in_no_index_costs_the_table_alone() -> None:
    assert counted(None, item(None)) == [Units(TABLE, "1", 2)]


@pytest.mark.dynoxide
def test_the_units_by_key_add_up_to_what_the_engine_reports() -> None:
    measured = life.measure(lives=3, metadata=life.METADATA)

    assert measured.differences == []


@pytest.mark.dynoxide
@pytest.mark.parametrize(("kept", "metadata"), [("plain", None), ("metadata", life.METADATA)])
def test_the_page_has_the_units_that_the_code_writes(
    kept: str, metadata: dict[str, str] | None
) -> None:
    measured = life.measure(lives=3, metadata=metadata)

    on_page = page.life_of(page.read_figures()[kept])
    assert {name: each.units for name, each in measured.patterns.items()} == pytest.approx(
        {name: each.units for name, each in on_page.patterns.items()}
    ), "run make bench-scale PARTS=model"
