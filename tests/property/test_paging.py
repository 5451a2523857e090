"""Lists over several partitions: following the cursors gives every object once and in order,
whatever the partitions, limits and filters."""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from checkout.store import paging
from checkout.store.paging import Cursor, Listing, Page, read_page
from checkout.store.table import QueryPage


class Listed:
    def __init__(self, id: str) -> None:
        self.id = id


class Partitions:
    """Takes the place of a table whose index has these entries."""

    def __init__(self, entries: dict[str, list[str]]) -> None:
        self._entries = entries
        self.queries = 0

    def query_page(self, condition: Any, **options: Any) -> QueryPage:
        self.queries += 1
        partition, sort = _parse(condition)
        ids = sorted(filter(sort, self._entries[partition]), reverse=options["newest_first"])
        read = ids[: options["page_size"]]
        # As DynamoDB does: a page that is full has a last key, also at the partition's end.
        last = {"gsi1sk": {"S": read[-1]}} if len(read) == options["page_size"] else None
        return QueryPage([{"gsi1sk": id} for id in read], last)


def _parse(condition: Any) -> tuple[str, Any]:
    """The partition and the test of the sort key of `pk = … [AND sk …]`."""
    expression = condition.get_expression()
    if expression["operator"] == "=":
        return expression["values"][1], lambda _: True
    by_partition, by_sort = expression["values"]
    sort = by_sort.get_expression()
    _, *bounds = sort["values"]
    tests = {
        "<": lambda id: id < bounds[0],
        ">": lambda id: id > bounds[0],
        "BETWEEN": lambda id: bounds[0] <= id <= bounds[1],
    }
    return by_partition.get_expression()["values"][1], tests[sort["operator"]]


IDS = st.lists(st.integers(0, 999).map(lambda number: f"id_{number:03d}"), unique=True)


@example(  # one partition was read less far than another, and a filter drops what was read of it
    ids=["id_091", "id_081", "id_077", "id_026", "id_025", "id_016"],
    places=[0, 0, 0, 1, 1, 1],
    limit=1,
    backwards=False,
    wanted=5,
    vanished=9,
    rounds=1,
    entries_a_round=8,
    min_entries=8,
)
@given(
    ids=IDS,
    places=st.lists(st.integers(0, 3), min_size=40, max_size=40),
    limit=st.integers(1, 12),
    backwards=st.booleans(),
    wanted=st.none() | st.integers(1, 9),
    vanished=st.integers(1, 9),
    rounds=st.integers(1, 3),
    entries_a_round=st.integers(4, 40),
    min_entries=st.sampled_from([0, 8, 40]),
)
def test_following_the_cursors_gives_every_object_once_and_in_order(
    ids: list[str],
    places: list[int],
    limit: int,
    backwards: bool,
    wanted: int | None,
    vanished: int,
    rounds: int,
    entries_a_round: int,
    min_entries: int,
) -> None:
    partitions: dict[str, list[str]] = {str(number): [] for number in range(4)}
    for position, id in enumerate(ids):
        partitions[str(places[position % len(places)])].append(id)
    table: Any = Partitions(partitions)

    def load(_: Any, entries: Sequence[Any]) -> list[Listed]:
        found = [entry["gsi1sk"] for entry in entries]
        return [Listed(id) for id in found if int(id[3:]) % 10 != vanished]

    def keep(listed: Listed) -> bool:
        return wanted is None or int(listed.id[3:]) % 10 >= wanted

    expected = [id for id in sorted(ids) if int(id[3:]) % 10 != vanished and keep(Listed(id))]
    listing = Listing("gsi1", [*partitions])
    cursor = Cursor(limit, before="id_" if backwards else None)
    found: list[str] = []
    with (
        patch.object(paging, "MAX_ROUNDS", rounds),
        patch.object(paging, "FILTERED_ENTRIES", entries_a_round),
    ):
        while True:
            table.queries = 0
            page: Page[Listed] = read_page(
                table,
                listing,
                cursor,
                load,
                keep=keep if wanted else None,
                min_entries=min_entries,
            )
            assert table.queries <= rounds * 4
            assert len(page.objects) <= limit
            ids_of_page = [each.id for each in page.objects]
            assert ids_of_page == sorted(ids_of_page, reverse=True)
            found += reversed(ids_of_page) if backwards else ids_of_page
            if page.next is None:
                break
            cursor = cursor.continued(page.next)

    assert found == (expected if backwards else expected[::-1])
