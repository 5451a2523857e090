"""Sections at the end of a test run: what tests have counted for people, and no test judges.

Hooks of pytest, for `conftest.py`. They also work with several workers.
"""

from collections import Counter
from typing import Any

import pytest

from tests.fakes import openapi

BALANCE, VALIDATED = "balance sheet", "validated requests"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Adds to a test's last report which requests of it were validated."""
    if call.when == "teardown" and openapi.validated:
        item.user_properties.append((VALIDATED, dict(openapi.validated)))
        openapi.validated.clear()
    return (yield)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    found: dict[str, list[Any]] = {BALANCE: [], VALIDATED: []}
    for report in [each for some in terminalreporter.stats.values() for each in some]:
        if getattr(report, "when", "") == "teardown":
            for name, value in report.user_properties:
                found.setdefault(name, []).append(value)
    if found[BALANCE]:
        terminalreporter.section("balance sheets of random rounds")
        for text in sorted(found[BALANCE]):
            terminalreporter.write_line(text)
    if found[VALIDATED]:
        terminalreporter.section("requests validated against the processors' descriptions")
        total: Counter[str] = Counter()
        for counts in found[VALIDATED]:
            total.update(counts)
        for operation, count in sorted(total.items()):
            terminalreporter.write_line(f"{count:6} {operation}")
        terminalreporter.write_line(f"{total.total():6} of {len(total)} operations")
