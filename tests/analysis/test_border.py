from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.analysis.runs import trace, write_run

from gatewatch.records import Measurement
from gatewatch_analysis.gateway.border import border_by_isp, borders
from gatewatch_analysis.loading import load
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.tables import BorderByIsp, Borders

TABLE = PrefixTable(
    Prefix(ip_network(network), asn, country, name)
    for network, asn, country, name in [
        ("36.37.128.0/17", 38623, "KH", "Viettel"),
        ("63.218.0.0/16", 3491, "US", "PCCW"),
        ("63.218.7.0/24", 9902, "KH", "Neocom"),
        ("104.16.0.0/13", 13335, "US", "Cloudflare"),
    ]
)
HOME, LAST, ABROAD, NEXT, SITE = "36.37.128.1", "36.37.130.14", "63.218.10.5", "63.218.11.9", "104.16.1.1"
Path_ = list[tuple[str | None, float | None]]


def found(tmp_path: Path, *traces: Measurement) -> pd.DataFrame:
    return borders(load([write_run(tmp_path / "r", traces)]).hops, TABLE)


def only(tmp_path: Path, path: Path_, **about: Any) -> dict[str, Any]:
    [row] = found(tmp_path, trace(SITE, path, **about)).to_dict("records")
    return {str(k): None if pd.isna(v) else v for k, v in row.items()}


def test_last_domestic_and_first_foreign_hop(tmp_path: Path) -> None:
    path: Path_ = [("192.168.1.1", 0.5), (HOME, 2.0), (LAST, 3.5), (ABROAD, 12.0), (NEXT, 20.0), (SITE, 21.5)]
    assert only(tmp_path, path) == {
        "country": "KH",
        "isp": "Metfone",
        "asn": 38623,
        "lab": False,
        "destination": SITE,
        "state": "found",
        "traces": 1,
        "support": 1,
        "domestic_address": LAST,
        "domestic_asn": 38623,
        "domestic_country": "KH",
        "domestic_name": "Viettel",
        "domestic_ixp": None,
        "domestic_rtt_ms": 3.5,
        "domestic_ttl": 3,
        "foreign_address": ABROAD,
        "foreign_asn": 3491,
        "foreign_country": "US",
        "foreign_name": "PCCW",
        "foreign_ixp": None,
        "foreign_rtt_ms": 12.0,
        "foreign_ttl": 4,
        "jump_ms": 8.5,
        "told_by": "network listing time",
        "gap": 0,
        "silent": 0,
        "private": 0,
        "at_destination": False,
        "returns": False,
    }


def test_a_listing_against_its_own_network_is_disputed_and_no_border(tmp_path: Path) -> None:
    # A geolocation has put one block of the foreign carrier into the country.
    rows = [("36.37.128.0/17", 38623, "KH"), ("63.218.0.0/16", 3491, "US"), ("63.219.0.0/16", 3491, "US")]
    table = PrefixTable(
        Prefix(ip_network(n), asn, cc, "") for n, asn, cc in [*rows, ("63.219.7.0/24", 3491, "KH")]
    )
    way: Path_ = [(HOME, 2.0), ("63.219.7.1", 30.0), (ABROAD, 31.0), (SITE, 40.0)]
    [row] = borders(load([write_run(tmp_path / "r", [trace(SITE, way)])]).hops, table).to_dict("records")
    assert (row["domestic_address"], row["foreign_address"], row["gap"]) == (HOME, ABROAD, 1)


def test_what_agrees_with_a_link(tmp_path: Path) -> None:
    # The greatest step is before the border; an exchange's peering LAN stands at it.
    lan = Prefix(ip_network("103.99.0.0/24"), 0, "KH", "", "KH-IX")
    table = PrefixTable([*(TABLE.lookup(a) for a in (HOME, ABROAD)), lan])  # type: ignore[list-item]
    way: Path_ = [(HOME, 20.0), ("103.99.0.7", 20.5), (ABROAD, 30.0)]
    [row] = borders(load([write_run(tmp_path / "r", [trace(SITE, way)])]).hops, table).to_dict("records")
    assert (row["domestic_ixp"], row["jump_ms"]) == ("KH-IX", 9.5)
    assert row["told_by"] == "network listing exchange"


def test_hops_between_that_tell_nothing_are_counted(tmp_path: Path) -> None:
    path: Path_ = [
        (HOME, 2.0),
        (None, None),
        ("10.9.9.9", 3.0),
        ("hop-3f9a", 3.0),
        ("5.5.5.5", 4.0),
        (ABROAD, 12.0),
    ]
    row = only(tmp_path, path, reached=False)
    assert (row["domestic_address"], row["foreign_address"], row["gap"]) == (HOME, ABROAD, 4)
    assert (row["silent"], row["private"]) == (1, 2)


def test_a_longer_prefix_of_a_domestic_network_is_domestic(tmp_path: Path) -> None:
    row = only(tmp_path, [(HOME, 2.0), ("63.218.7.1", 50.0), (ABROAD, 51.0)])
    # 50 ms from the hop before, and still at home: round-trip times decide nothing.
    assert (row["domestic_address"], row["domestic_asn"], row["foreign_address"]) == (
        "63.218.7.1",
        9902,
        ABROAD,
    )


@pytest.mark.parametrize(
    ("path", "reached", "state", "domestic", "foreign"),
    [
        ([("192.168.1.1", 1.0), (ABROAD, 9.0)], True, "no last domestic hop", None, ABROAD),
        ([(HOME, 1.0), (LAST, 2.0)], True, "domestic", LAST, None),
        ([(HOME, 1.0), (None, None)], False, "ends at home", HOME, None),
        ([(HOME, 1.0), ("5.5.5.5", 2.0)], True, "cannot tell", HOME, None),
        ([("5.5.5.4", 1.0), ("5.5.5.5", 99.0)], True, "cannot tell", None, None),
        ([(None, None)], False, "cannot tell", None, None),
    ],
)
def test_paths_without_a_border_link(
    tmp_path: Path, path: Path_, reached: bool, state: str, domestic: str | None, foreign: str | None
) -> None:
    row = only(tmp_path, path, reached=reached)
    assert (row["state"], row["domestic_address"], row["foreign_address"]) == (state, domestic, foreign)
    assert (row["gap"], row["silent"], row["private"]) == (None, None, None)


def test_nothing_is_domestic_where_the_country_is_unknown(tmp_path: Path) -> None:
    assert only(tmp_path, [(HOME, 1.0), (ABROAD, 9.0)], cc="ZZ")["state"] == "cannot tell"


def test_a_path_that_comes_back_is_marked(tmp_path: Path) -> None:
    row = only(tmp_path, [(HOME, 1.0), (ABROAD, 30.0), (LAST, 60.0), (SITE, 70.0)])
    assert (row["state"], row["domestic_address"], row["returns"]) == ("found", HOME, True)


def test_repeats_agree_by_majority_with_the_fastest_times(tmp_path: Path) -> None:
    [row] = found(
        tmp_path,
        trace(SITE, [(LAST, 3.5), (None, None), (ABROAD, 12.0)]),
        trace(SITE, [(LAST, 4.5), (ABROAD, 11.0)]),
        trace(SITE, [(HOME, 0.1), (NEXT, 0.2)]),
    ).to_dict("records")
    assert (row["traces"], row["support"], row["gap"]) == (3, 2, 0)
    assert (row["domestic_address"], row["domestic_rtt_ms"]) == (LAST, 3.5)
    assert (row["foreign_address"], row["foreign_rtt_ms"]) == (ABROAD, 11.0)


def test_hops_of_two_traces_are_never_put_together(tmp_path: Path) -> None:
    [row] = found(
        tmp_path,
        trace(SITE, [(HOME, 1.0), (None, None), (None, None)], reached=False),
        trace(SITE, [(None, None), (ABROAD, 9.0), (SITE, 10.0)]),
    ).to_dict("records")
    assert (row["state"], row["support"]) == ("ends at home", 1)


def test_the_commonest_link_of_an_isp(tmp_path: Path) -> None:
    table = border_by_isp(
        found(
            tmp_path,
            trace("104.16.0.1", [(LAST, 3.0), (ABROAD, 12.0), ("104.16.0.1", 20.0)]),
            trace("104.16.0.2", [(LAST, 2.5), (None, None), (ABROAD, 13.0)]),
            trace("104.16.0.3", [(LAST, 2.0), (NEXT, 10.0)]),
            # The destination may be an anycast site inside the country: no evidence of a border.
            trace("104.16.0.4", [(LAST, 2.0), ("104.16.0.4", 3.0)]),
            trace("36.37.130.14", [(LAST, 2.0)]),
            trace("104.16.0.5", [(HOME, 1.0), (ABROAD, 9.0)], asn=45498, name="Smart"),
        )
    )
    assert len(table) == 2
    row = table.to_dict("records")[0]
    assert (row["paths"], row["found"], row["support"], row["links"]) == (5, 3, 2, 2)
    assert (row["domestic_address"], row["domestic_rtt_ms"], row["domestic_asn"]) == (LAST, 2.5, 38623)
    assert (row["foreign_address"], row["foreign_rtt_ms"], row["foreign_name"]) == (ABROAD, 12.0, "PCCW")
    assert row["gap"] == 1


def test_an_isp_whose_border_is_not_seen_still_has_a_row(tmp_path: Path) -> None:
    [row] = border_by_isp(found(tmp_path, trace(SITE, [("5.5.5.5", 1.0)]))).to_dict("records")
    assert (row["paths"], row["found"], row["support"], row["links"]) == (1, 0, 0, 0)
    assert pd.isna(row["domestic_address"])


@pytest.mark.parametrize("empty", [True, False])
def test_columns_are_those_documented(tmp_path: Path, empty: bool) -> None:
    links = found(tmp_path, *([] if empty else [trace(SITE, [(HOME, 1.0), (ABROAD, 9.0)])]))
    for table, got in ((Borders, links), (BorderByIsp, border_by_isp(links))):
        types = {str(name): str(kind) for name, kind in got.dtypes.items()}
        assert types == {name: column.dtype for name, column in table.columns().items()}
