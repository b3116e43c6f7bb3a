"""Types of boxes by the habits of what they inject."""

from __future__ import annotations

from typing import Any

from tests.analysis.gateway.frames import loci, locus, only, records

from gatewatch_analysis.gateway.boxes import box_types, same

GFW: dict[str, Any] = {
    "flags": "R", "initial_ttl": "64", "ip_id": "zero", "window_least": 0, "window_most": 0, "packets": 1
}  # fmt: skip
OTHER: dict[str, Any] = {**GFW, "flags": "RA", "ip_id": "random", "window_least": 8192, "window_most": 8192}


def box(number: int, method: str = "tls", **habits: Any) -> dict[str, Any]:
    end = (f"36.{number}.0.1", number, "KH")
    return locus(number, "access", end, end, method, **habits)


def types(*rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(r["asn"], r["type"], r["isps"]) for r in records(box_types(loci(*rows)))]


def test_two_makers() -> None:
    assert types(box(1, **GFW), box(2, **OTHER), box(3, **GFW)) == [(1, 1, 2), (2, 2, 1), (3, 1, 2)]


def test_what_is_not_known_contradicts_nothing_but_three_habits_must_agree() -> None:
    few: dict[str, Any] = {"flags": "R", "initial_ttl": "64"}
    assert types(box(1, **GFW), box(2, **few)) == [(1, 1, 2), (2, 1, 2)]
    # The signature and one habit: not enough to be of any type.
    assert types(box(1, **GFW), box(2, flags="R")) == [(1, 1, 1)]


def test_methods_are_compared_apart() -> None:
    assert types(box(1, **GFW), box(2, "http", **GFW)) == [(2, 1, 1), (1, 1, 1)]


def test_habits_that_change_are_left_out() -> None:
    row = only(box_types(loci(box(1, **GFW), box(1, **{**GFW, "flags": "RA"}))))
    assert "flags" not in row["habits"] and "initial TTL 64" in row["habits"]


def test_ranges_agree_where_they_overlap() -> None:
    a = {"signature": "reset", "goes on blocking (s)": (30.0, 90.0), "copies the TTL": False}
    assert same(a, {**a, "goes on blocking (s)": (60.0, float("inf"))})
    assert not same(a, {**a, "goes on blocking (s)": (0.0, 0.0)})


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [box(n, **(GFW if n % 2 else OTHER)) for n in range(1, 8)]
    assert types(*rows) == types(*rows[::-1])
    assert records(box_types(loci(*rows)))[0]["same_as"] == "ISP 3 (AS3), ISP 5 (AS5), ISP 7 (AS7)"
