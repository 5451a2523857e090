"""docs/scale.md says what was measured."""

from benchmarks.scale import model, page
from benchmarks.scale.life import Life, Pattern, Written


def life(units: float, partitions: int | None, key: str = "<scope>#event") -> Life:
    return Life({Pattern("gsi1", key): Written(units, partitions)}, {}, [])


def test_the_page_is_rendered_from_the_figures_that_are_kept() -> None:
    assert page.PAGE.read_text() == page.render(page.read_figures()), (
        "run python -m benchmarks.scale page"
    )


def test_a_pattern_carries_a_thousand_units_a_second_in_each_partition() -> None:
    (wall,) = model.partition_walls(life(4, 8), of_a_merchant=True)

    assert wall.sessions == 1000 * 8 / 4


def test_a_key_that_each_session_has_for_itself_is_no_wall() -> None:
    assert model.partition_walls(life(40, None), of_a_merchant=True) == []


def test_timers_are_shared_by_all_merchants() -> None:
    timers = life(10, 2, "TIMER#<n>")

    assert model.partition_walls(timers, of_a_merchant=True) == []
    (wall,) = model.partition_walls(timers, of_a_merchant=False, shards=32)
    assert wall.sessions == 1000 * 32 / 10


def test_a_burst_lasts_until_the_kept_capacity_is_spent() -> None:
    wall = model.Wall("a partition", 100, "")

    assert model.burst(wall, 200) == 300
    assert model.burst(wall, 150) == 600
    assert model.burst(wall, 100) == float("inf")
