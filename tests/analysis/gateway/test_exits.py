"""Ways out, by hand: three ISPs over two carriers, one of them alone with its own."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from tests.analysis.gateway.frames import borders, link, only

from gatewatch_analysis.gateway.exits import exits
from gatewatch_analysis.tables import Exits

A, B = ("63.218.1.1", 3491), ("80.1.1.1", 6453)
#: Two ISPs leave by their own routers to one carrier, the third by its own to another.
THREE = borders(
    link(1, ("36.1.0.1", 1), A, "8.8.8.8"),
    link(2, ("36.2.0.1", 2), A, "8.8.8.8"),
    link(3, ("36.3.0.1", 3), B, "8.8.8.8"),
)


def by_kind(frame: pd.DataFrame, kind: str) -> dict[str, Any]:
    found = exits(frame)
    return only(found[found["exit"] == kind])


def test_three_isps_and_two_carriers() -> None:
    abroad = by_kind(THREE, "first network abroad")
    # Shares 2/3 and 1/3: HHI 5/9.
    assert abroad["hhi"] == pytest.approx(5 / 9) and abroad["effective"] == pytest.approx(9 / 5)
    assert (abroad["largest"], abroad["largest_isps"], abroad["chokepoints"]) == ("AS3491", 2, 2)
    assert abroad["largest_share"] == pytest.approx(2 / 3) and abroad["potential"] == 0.5
    assert abroad["access_hhi"] == pytest.approx(1 / 3)
    # To the one destination one pair of three leaves by the same.
    assert abroad["alike"] == pytest.approx(1 / 3)
    # A resample has three ISPs of one carrier, or of two.
    assert (abroad["hhi_low"], abroad["hhi_high"]) == (pytest.approx(5 / 9), 1.0)
    # What no two share is the least that there can be, although every resample repeats somebody.
    own = by_kind(THREE, "last router at home")
    assert own["hhi_low"] == own["hhi"] < own["hhi_high"]
    assert own["hhi"] == pytest.approx(1 / 3) and own["alike"] == 0.0


def test_many_paths_of_one_isp_count_no_more_than_one() -> None:
    more = borders(
        *(link(1, ("36.1.0.1", 1), A, f"8.8.8.{n}") for n in range(50)),
        link(2, ("36.2.0.1", 2), A, "8.8.8.8"),
        link(3, ("36.3.0.1", 3), B, "8.8.8.8"),
    )
    assert by_kind(more, "first network abroad")["hhi"] == by_kind(THREE, "first network abroad")["hhi"]


def test_the_order_of_rows_changes_nothing() -> None:
    assert exits(THREE.iloc[::-1]).equals(exits(THREE))


def test_users_as_weights() -> None:
    found = exits(THREE, {1: 8.0, 2: 1.0, 3: 1.0})
    row = only(found[found["exit"] == "first network abroad"])
    assert row["hhi"] == pytest.approx(0.9**2 + 0.1**2)


def test_one_exit_for_all() -> None:
    row = by_kind(borders(*(link(n, ("36.9.0.1", 9), A) for n in range(1, 6))), "last router at home")
    assert (row["hhi"], row["effective"], row["chokepoints"], row["potential"], row["alike"]) == (
        1,
        1,
        1,
        1,
        1,
    )


def test_a_withheld_hop_is_no_router_and_no_border_no_row() -> None:
    found = exits(borders(link(1, ("36.1.0.0/24", 1), A)))
    assert "last router at home" not in set(found["exit"]) and "last network at home" in set(found["exit"])
    away = borders({**link(1, ("36.1.0.1", 1), A), "at_destination": True})
    assert exits(away).empty and list(exits(away).columns) == list(Exits.columns())


def test_a_country_of_one_isp_has_nobody_to_be_alike() -> None:
    assert exits(borders(link(1, ("36.1.0.1", 1), A)))["alike"].isna().all()
