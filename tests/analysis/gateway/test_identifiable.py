"""A shared place against a shared way out."""

from __future__ import annotations

from typing import Any

from tests.analysis.gateway.frames import borders, link, loci, locus, made, only

from gatewatch_analysis.gateway.exits import exits
from gatewatch_analysis.gateway.identifiable import identifiable
from gatewatch_analysis.gateway.isps import Isp
from gatewatch_analysis.gateway.node import places, shared_nodes
from gatewatch_analysis.gateway.sellers import units
from gatewatch_analysis.tables import Sellers

GATE = ("103.9.0.1", 99, "KH")
CARRIERS = [("63.218.1.1", 3491), ("80.1.1.1", 6453)]


def told(count: int, carriers: int, node: int = 99, past: int = 0) -> dict[str, Any]:
    """ISPs behind a node, of which some go round it, on to so many carriers."""
    links, rows, sold = [], [], []
    for n in range(1, count + 1):
        round_ = n > count - past
        end = (f"36.{n}.0.1", n) if round_ else ("103.9.0.1", node)
        links.append(link(n, end, CARRIERS[n % carriers]))
        if not round_ and n != node:
            rows.append(locus(n, "border", (f"36.{n}.0.1", n, "KH"), (GATE[0], node, "KH")))
            about = {"isp": f"ISP {n}", "asn": n, "network": node}
            sold.append({**about, "paths": 1, "passing": 1, "share": 1.0})
    seen, table = borders(*links), made(Sellers, sold)
    isps = [Isp("KH", f"ISP {n}", n, False) for n in range(1, count + 1)]
    shared = shared_nodes(places(loci(*rows)))
    return only(identifiable(seen, exits(seen), units(isps, table), shared, table))


def test_ways_that_part_behind_the_node_tell() -> None:
    row = told(6, 2)
    assert (row["told"], row["why"], row["units"]) == (True, None, 6)
    assert (row["node"], row["node_sells"], row["behind"], row["around"]) == ("AS99", False, 2, 0)


def test_one_way_out_for_all_does_not() -> None:
    row = told(6, 1)
    assert (row["told"], row["behind"]) == (False, 1)
    assert row["why"] == "all paths leave by one network; behind AS99 all go on to AS3491"


def test_unless_some_go_round_the_node() -> None:
    row = told(6, 1, past=2)
    assert (row["told"], row["around"]) == (True, 2)


def test_an_isp_that_sells_to_all_others_does_not() -> None:
    row = told(6, 2, node=1)
    assert (row["told"], row["node_sells"], row["units"]) == (False, True, 1)
    assert row["why"] == (
        "only 1 of the ISPs do not hang together, at least 3 are needed; "
        "AS1 is an ISP that the others buy from"
    )


def test_without_a_way_out_nothing_is_known() -> None:
    isps = [Isp("KH", f"ISP {n}", n, False) for n in range(1, 5)]
    none, empty = made(Sellers, []), borders()
    row = only(identifiable(empty, exits(empty), units(isps, none), shared_nodes(places(loci())), none))
    assert (row["told"], row["effective"], row["why"]) == (None, None, "no way out is known")
