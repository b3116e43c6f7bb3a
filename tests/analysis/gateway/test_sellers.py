"""Who sells to whom, from traces."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pandas as pd
from tests.analysis.gateway.frames import records
from tests.analysis.runs import trace, write_run

from gatewatch_analysis.gateway.isps import Isp
from gatewatch_analysis.gateway.known import Known, known
from gatewatch_analysis.gateway.sellers import count, sellers, units
from gatewatch_analysis.loading import load
from gatewatch_analysis.prefixes import Prefix, PrefixTable

TABLE = PrefixTable(
    [
        *(Prefix(ip_network(f"36.{asn}.0.0/16"), asn, "KH", f"ISP {asn}") for asn in (1, 2, 3, 4, 99)),
        Prefix(ip_network("63.218.0.0/16"), 3491, "US", "PCCW"),
    ]
)


def isp(number: int) -> Isp:
    return Isp("KH", f"ISP {number}", number, False)


def hops(tmp_path: Path, *ways: tuple[int, list[int]]) -> pd.DataFrame:
    """Traces: of which ISP, over which networks at home; all end abroad."""
    lines = [
        trace(
            f"63.218.9.{place}",
            [*((f"36.{n}.0.{i}", 1.0) for i, n in enumerate(path)), ("63.218.1.1", 20.0)],
            asn=asn,
            name=f"ISP {asn}",
        )
        for place, (asn, path) in enumerate(ways)
    ]
    return load([write_run(tmp_path / "r", lines, isp=None)]).hops


def test_networks_at_home_on_the_way(tmp_path: Path) -> None:
    found = sellers(hops(tmp_path, (1, [1, 1, 2]), (1, [1]), (2, [2]), (3, [3, 99])), TABLE)
    assert [(r["isp"], r["network"], r["passing"], r["paths"], r["share"]) for r in records(found)] == [
        ("ISP 1", 2, 1, 2, 0.5),
        ("ISP 3", 99, 1, 1, 1.0),
    ]


def test_paths_that_stay_at_home_say_nothing(tmp_path: Path) -> None:
    line = trace("36.2.0.9", [("36.1.0.1", 1.0), ("36.2.0.1", 2.0)], asn=1, name="ISP 1")
    assert sellers(load([write_run(tmp_path / "r", [line], isp=None)]).hops, TABLE).empty


def test_who_buys_from_a_measured_isp_belongs_to_it(tmp_path: Path) -> None:
    sold = sellers(hops(tmp_path, (1, [1, 2]), (2, [2]), (3, [3, 1, 2]), (4, [4, 99])), TABLE)
    everyone = [isp(n) for n in (1, 2, 3, 4)]
    found = units(everyone, sold)
    # 3 buys from 1, and 1 from 2; the gateway's network 99 is nobody's ISP.
    assert [(r["isp"], r["unit"], r["size"]) for r in records(found)] == [
        ("ISP 1", "AS2", 3),
        ("ISP 2", "AS2", 3),
        ("ISP 3", "AS2", 3),
        ("ISP 4", "AS4", 1),
    ]
    assert count(found) == {("KH", False): 2}
    # Unless it is known to be one.
    assert [r["unit"] for r in records(units(everyone, sold, Known(frozenset({99}))))][-1] == "AS99"


def test_networks_of_one_company_hang_together_and_a_gate_by_law_sells_to_nobody(tmp_path: Path) -> None:
    sold = sellers(hops(tmp_path, (1, [1]), (2, [2]), (3, [3, 4]), (4, [4])), TABLE)
    about = Known(frozenset({1, 2, 3, 4}), frozenset({4}), {1: "One", 2: "One"})
    found = units([isp(n) for n in (1, 2, 3, 4)], sold, about)
    assert [(r["company"], r["unit"]) for r in records(found)] == [
        ("One", "One"),
        ("One", "One"),
        (None, "AS3"),
        (None, "AS4"),
    ]


def test_what_is_known_of_cambodia() -> None:
    about = known()
    assert about.gates == {17726, 132599}
    assert about.company[38901] == about.company[131178] and 38623 in about.retail
    assert 17726 not in about.sellers([17726])


def test_a_ring_of_sellers_is_one_unit_and_a_network_without_number_its_own(tmp_path: Path) -> None:
    sold = sellers(hops(tmp_path, (1, [1, 2]), (2, [2, 1])), TABLE)
    found = units([isp(1), isp(2), Isp("KH", "nameless", 0, False)], sold)
    assert [r["unit"] for r in records(found)] == ["AS1", "AS1", "nameless"]
