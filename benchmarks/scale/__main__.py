"""Measures, keeps the figures, and writes docs/scale.md.

python -m benchmarks.scale                     everything: about half an hour on two cores
python -m benchmarks.scale model timers        some parts: model, timers, throttling, sender, due
python -m benchmarks.scale page                the page alone, from the figures that are kept
"""

import sys
from typing import Any

from benchmarks import webhooks
from benchmarks.scale import due, life, page, throttling, timers

PARTS = "model", "throttling", "timers", "sender", "due"


def measure(part: str) -> dict[str, Any]:
    if part == "model":
        return {
            "plain": page.life_to_json(life.measure()),
            "metadata": page.life_to_json(life.measure(metadata=life.METADATA)),
        }
    if part == "timers":
        return {"timers": timers.measure()}
    if part == "throttling":
        answers = throttling.measure()
        throttling.print_all(answers)
        return {"throttling": throttling.summary(answers)}
    if part == "sender":
        with webhooks.receiving() as (healthy, _):
            found = webhooks.measure_sender(healthy)
        webhooks.show_sender(found)
        return {"sender": found}
    if part == "due":
        return {"due": due.line(due.measure())}
    raise SystemExit(f"{part}: choose of {', '.join(PARTS)}, page")


def main() -> None:
    for part in sys.argv[1:] or PARTS:
        if part != "page":
            print(f"\n{part}\n", flush=True)
            page.write_figures(page.read_figures() | measure(part))
    page.PAGE.write_text(page.render(page.read_figures()))
    print(f"wrote {page.PAGE.relative_to(page.ROOT)}")


if __name__ == "__main__":
    main()
