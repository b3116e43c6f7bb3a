"""At whose node: every kind of place, and how many share the most shared one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.gateway.frames import End, loci, locus, only, records

from gatewatch_analysis.gateway.known import Known
from gatewatch_analysis.gateway.node import places, shared_nodes


def own(number: int, last: int = 1) -> End:
    return f"36.{number}.0.{last}", number, "KH"


GATE: End = ("103.9.0.1", 99, "KH")
CARRIER: End = ("63.218.1.1", 3491, "US")
FURTHER: End = ("63.218.2.2", 3491, "US")


def where(*rows: Any) -> list[tuple[Any, ...]]:
    return [(r["asn"], r["place"], r["node"], r["sharing"]) for r in records(places(loci(*rows)))]


def test_inside_and_its_own_border() -> None:
    rows = [
        locus(1, "access", own(1), own(1, 2)),
        locus(2, "border", own(2), CARRIER),
        locus(3, "endpoint", own(3), own(3, 2), method="dns"),
        locus(4, "foreign", FURTHER, FURTHER),
    ]
    assert where(*rows) == [
        (1, "inside", "AS1", 0),
        (2, "own border", "AS2", 0),
        (3, "inside", "AS3", 0),
        (4, "abroad", "AS3491", 1),
    ]


@pytest.mark.parametrize("label", ["border", "domestic-shared"])
def test_a_node_of_nobody_measured_that_two_share(label: str) -> None:
    rows = [locus(n, label, own(n), GATE) for n in (1, 2)]
    assert where(*rows) == [(1, "shared at home", "AS99", 1), (2, "shared at home", "AS99", 1)]
    assert where(rows[0]) == [(1, "alone at home", "AS99", 0)]


def test_routers_with_another_interface_for_each_neighbour_are_one_network() -> None:
    rows = [locus(n, "border", own(n), (f"103.9.{n}.1", 99, "KH")) for n in (1, 2, 3)]
    assert where(*rows) == [(n, "shared at home", "AS99", 2) for n in (1, 2, 3)]


def test_a_customer_of_a_measured_isp_is_at_its_seller() -> None:
    rows = [locus(1, "border", own(2, 7), CARRIER), locus(2, "border", own(2, 7), CARRIER)]
    # The seller's own border is where its customer's interference is.
    assert where(*rows) == [(1, "at a seller", "AS2", 0), (2, "own border", "AS2", 1)]
    assert only(shared_nodes(places(loci(*rows))))["isps"] == 2
    rows = [locus(n, "border", own(n), GATE) for n in (1, 3)]
    assert set(places(loci(*rows), Known(frozenset({99})))["place"]) == {"at a seller"}
    # Unless the law names it as the gate.
    gate = Known(frozenset({99}), frozenset({99}))
    assert set(places(loci(*rows), gate)["place"]) == {"shared at home"}


def test_two_borders_to_one_router_abroad_are_a_crossing_and_to_one_carrier_are_not() -> None:
    rows = [locus(n, "border", own(n), CARRIER) for n in (1, 2)]
    assert where(*rows) == [(n, "crossing", "63.218.1.1", 1) for n in (1, 2)]
    rows = [locus(n, "border", own(n), (f"63.218.{n}.1", 3491, "US")) for n in (1, 2)]
    assert [row[1] for row in where(*rows)] == ["own border", "own border"]


def test_an_exchange_is_nobodys_own() -> None:
    lan: End = ("103.99.0.7", None, "KH")
    rows = [locus(n, "domestic-shared", own(n), lan, after_ixp="KH-IX") for n in (1, 2)]
    assert where(*rows) == [(n, "shared at home", "exchange KH-IX", 1) for n in (1, 2)]


@pytest.mark.parametrize(
    "row",
    [
        locus(1, "unknown", own(1), own(1, 2)),
        locus(1, "endpoint", own(1), CARRIER),
        locus(1, "access", own(1), own(1, 2), probability=0.9),
        {**locus(1, "access", own(1), own(1, 2)), "before": None},
    ],
)
def test_what_is_not_known_for_certain_is_no_place(row: dict[str, Any]) -> None:
    assert where(row) == []


def test_ways_of_sending_share_one_isp_and_repeats_agree_by_majority() -> None:
    rows = [
        locus(1, "access", own(1), own(1, 2), method="dns"),
        *[locus(1, "border", own(1), GATE)] * 2,
        locus(1, "access", own(1), own(1, 2)),
        locus(2, "border", own(2), GATE),
    ]
    found = records(places(loci(*rows)))
    assert [(r["asn"], r["method"], r["place"], r["loci"], r["agree"], r["part"]) for r in found] == [
        (1, "dns", "inside", 1, 1, 0.5),
        (1, "tls", "shared at home", 3, 2, 0.5),
        (2, "tls", "shared at home", 1, 1, 1.0),
    ]


def test_the_share_at_one_node_with_its_bound() -> None:
    rows = [locus(n, "border", own(n), GATE) for n in range(1, 8)] + [locus(8, "access", own(8), own(8, 2))]
    row = only(shared_nodes(places(loci(*rows))))
    assert (row["located"], row["node"], row["isps"], row["nodes"]) == (8, "AS99", 7, 2)
    assert (row["share"], round(row["low"], 2), row["hhi"]) == (7 / 8, 0.60, (49 + 1) / 64)


def test_nobody_shares() -> None:
    row = only(shared_nodes(places(loci(*(locus(n, "access", own(n), own(n, 2)) for n in range(1, 5))))))
    assert (row["node"], row["isps"], row["low"], row["nodes"], row["hhi"]) == (None, 0, 0.0, 4, 0.25)


def test_measuring_one_isp_again_and_another_order_change_nothing() -> None:
    rows = [locus(n, "border", own(n), GATE) for n in range(1, 4)]
    plain = shared_nodes(places(loci(*rows)))
    assert shared_nodes(places(loci(*rows, *[rows[0]] * 20))).equals(plain)
    assert shared_nodes(places(loci(*rows[::-1]))).equals(plain)
