"""When blocking began, and how far apart: bounds, not points."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.gateway.frames import DAY, measurements, only, records, verdicts

from gatewatch_analysis.gateway.onset import onset_spread, onsets, spread_of_country


def seen(number: int, words: str, *, every: float = 1.0, first: float = 0.0) -> list[dict[str, Any]]:
    """Rounds in hours: ``.`` is free, ``x`` is blocked."""
    rows = []
    for place, word in enumerate(words):
        rows += verdicts(number, "ok" if word == "." else "tls.reset", at=first + place * every)
    return rows


def test_between_the_last_free_and_the_first_blocked() -> None:
    row = only(onsets(measurements(seen(1, "..xxx"))))
    assert (row["free"] - DAY).total_seconds() == 3600 and (row["blocked"] - DAY).total_seconds() == 7200
    assert (row["before"], row["after"], row["misfits"]) == (2, 3, 0)


@pytest.mark.parametrize("words", ["xxxx", "....", "x", "x.x.x.", "xx..", ".x.x.x.x"])
def test_what_has_no_beginning(words: str) -> None:
    assert onsets(measurements(seen(1, words))).empty


def test_one_lost_measurement_in_five_is_no_change() -> None:
    row = only(onsets(measurements(seen(1, "....xx.xxx"))))
    assert (row["before"], row["misfits"]) == (4, 1)
    assert (row["free"] - DAY).total_seconds() == 3 * 3600


def test_the_spread_has_bounds() -> None:
    rows = measurements(seen(1, ".xx"), seen(2, ".xx", first=0.5), seen(3, "...xx"))
    row = only(onset_spread(onsets(rows)))
    # The first began before 1:00, the last after 2:00 and before 3:00; nobody before 0:00.
    assert (row["isps"], row["least_min"], row["most_min"], row["width_min"]) == (3, 60.0, 180.0, 60.0)
    together = only(onset_spread(onsets(measurements(seen(1, ".x"), seen(2, ".x")))))
    assert (together["least_min"], together["most_min"]) == (0.0, 60.0)
    assert onset_spread(onsets(measurements(seen(1, ".x")))).empty


def test_the_median_over_targets() -> None:
    rows = []
    for target, late in (("a", 0.0), ("b", 2.0), ("c", 48.0)):
        for number in (1, 2):
            first = late if number == 2 else 0.0
            rows += [{**row, "input": target} for row in seen(number, ".x", first=first)]
    spread = spread_of_country(onset_spread(onsets(measurements(rows))))
    assert spread == {("KH", False): (60.0, 180.0)}


def test_the_order_of_rows_changes_nothing() -> None:
    rows = measurements(seen(1, "..xxx"), seen(2, ".xx"))
    assert onsets(rows.iloc[::-1]).equals(onsets(rows))
    assert len(records(onsets(rows))) == 2
