"""Routes, AS paths, links and spans, from traces written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.analysis.runs import measurement, write_run

from gatewatch.records import HopReply, Measurement, MplsLabel, TraceKeys, encode
from gatewatch_analysis.loading import load
from gatewatch_analysis.paths import links, paths
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.tables import Links, Paths

TABLE = PrefixTable(
    Prefix(ip_network(network), asn, country, name, ixp)
    for network, asn, country, name, ixp in [
        ("36.37.128.0/17", 38623, "KH", "Viettel", ""),
        ("63.218.0.0/16", 3491, "US", "PCCW", ""),
        ("123.255.90.0/23", 0, "", "", "HKIX Hong Kong"),
        ("104.16.0.0/13", 13335, "US", "Cloudflare", ""),
    ]
)
HOME, LAST, ABROAD, NEXT, FAR, SITE = (
    "36.37.128.1", "36.37.130.14", "63.218.10.5", "63.218.11.9", "63.218.12.9", "104.16.1.1",
)  # fmt: skip

# Address, time, labels, quoted TTL.
Reply = tuple[str | None, float | None] | tuple[str | None, float | None, int | None, int | None]


def traced(path: Sequence[Reply], *, port: int = 4242, at: int = 0, reached: bool = True) -> Measurement:
    replies = []
    for ttl, (address, rtt, *more) in enumerate(path, 1):
        label, quoted = more if more else (None, None)
        labels = (MplsLabel(label=label, bottom=True),) if label is not None else ()
        replies.append(HopReply(ttl=ttl, address=address, rtt=rtt, labels=labels, quoted_ttl=quoted))
    keys = TraceKeys(
        protocol="udp", destination=SITE, source_port=port, destination_port=33434, reached=reached,
        replies=tuple(replies),
    )  # fmt: skip
    return measurement("trace", SITE, encode(keys), start=f"2024-05-01 12:{at:02}:00")


def hops_of(tmp_path: Path, *traces: Measurement) -> pd.DataFrame:
    return load([write_run(tmp_path / "r", traces)]).hops


def found(tmp_path: Path, *traces: Measurement) -> pd.DataFrame:
    frame = links(hops_of(tmp_path, *traces), TABLE)
    assert {str(name): str(kind) for name, kind in frame.dtypes.items()} == {
        name: column.dtype for name, column in Links.columns().items()
    }
    return frame


def ends(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame[["near_address", "far_address", "kind"]].itertuples(index=False, name=None))


def test_the_as_path_of_a_trace(tmp_path: Path) -> None:
    path: list[Reply] = [
        ("192.168.1.1", 0.5), (HOME, 2.0), (None, None), (LAST, 3.0), (None, None), ("123.255.90.7", 27.0),
        (ABROAD, 27.5), (SITE, 28.0), (None, None),
    ]  # fmt: skip
    frame = paths(hops_of(tmp_path, traced(path)), TABLE)
    [row] = frame.to_dict("records")
    # Silence inside a network is that network's; before the exchange it is anybody's.
    assert row["networks"] == "38623 * IX:HKIX_Hong_Kong 3491 13335"
    assert row["countries"] == "KH * US"
    assert (row["length"], row["silent"], row["route"]) == (9, 3, 0)
    assert {str(name): str(kind) for name, kind in frame.dtypes.items()} == {
        name: column.dtype for name, column in Paths.columns().items()
    }


def test_a_path_changes_only_when_its_hops_do(tmp_path: Path) -> None:
    first: list[Reply] = [(HOME, 2.0), (LAST, 3.0), (ABROAD, 27.0), (SITE, 28.0)]
    slower: list[Reply] = [(HOME, 9.0), (None, None), (ABROAD, 90.0), (SITE, 91.0)]
    other: list[Reply] = [(HOME, 2.0), (LAST, 3.0), (NEXT, 40.0), (SITE, 41.0)]
    frame = paths(
        hops_of(tmp_path, *(traced(p, at=i) for i, p in enumerate([first, slower, other, first]))), TABLE
    )
    assert frame["route"].tolist() == [0, 0, 1, 2]
    assert frame["changed"].fillna(0).tolist() == [0, 0, 3, 3]


def test_another_flow_is_no_repeat(tmp_path: Path) -> None:
    one: list[Reply] = [(HOME, 2.0), (ABROAD, 27.0), (SITE, 28.0)]
    two: list[Reply] = [(HOME, 2.0), (NEXT, 26.0), (SITE, 28.0)]
    frame = paths(hops_of(tmp_path, traced(one, port=1), traced(two, port=2, at=1)), TABLE)
    assert frame["changed"].isna().all()
    assert frame["flow"].tolist() == ["udp 1 33434", "udp 2 33434"]


def test_least_times_over_the_repeats_of_a_route(tmp_path: Path) -> None:
    frame = found(
        tmp_path,
        traced([(HOME, 2.0), (LAST, 30.0), (ABROAD, 27.0)], at=0, reached=False),
        traced([(HOME, 9.0), (LAST, 3.0), (ABROAD, 99.0)], at=1, reached=False),
        traced([(HOME, 1.5), (None, None), (ABROAD, 28.0)], at=2, reached=False),
    )
    assert ends(frame) == [(HOME, LAST, "link"), (LAST, ABROAD, "link")]
    assert frame["near_rtt_ms"].tolist() == [1.5, 3.0]
    assert frame["delta_ms"].tolist() == [1.5, 24.0]
    assert frame["repeats"].tolist() == [2, 2]
    assert (frame["last"] - frame["first"]).dt.total_seconds().tolist() == [120.0, 120.0]


def test_a_difference_below_zero_is_no_short_link(tmp_path: Path) -> None:
    frame = found(tmp_path, traced([(HOME, 2.0), (LAST, 40.0), (ABROAD, 27.0), (SITE, 27.5)]))
    assert frame["backwards"].tolist() == [False, True, False]
    assert frame["delta_ms"].isna().tolist() == [False, True, False]


def test_silent_hops_make_a_gap(tmp_path: Path) -> None:
    frame = found(tmp_path, traced([(HOME, 2.0), (None, None), (None, None), (ABROAD, 27.0)], reached=False))
    assert ends(frame) == [(HOME, ABROAD, "gap")]
    assert frame["hidden"].tolist() == [2]


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ([(ABROAD, 27.4, 24015, 1), (NEXT, 27.2, 24102, 1)], "labels"),
        ([(ABROAD, 27.4, None, 2), (NEXT, 27.2, None, 3)], "quoted TTL"),
        # A tunnel that shows nothing of itself but that all of it seems as far as its end.
        ([(ABROAD, 27.4), (NEXT, 27.2)], "equal times"),
    ],
)
def test_a_tunnel_is_one_span(tmp_path: Path, inside: list[Reply], why: str) -> None:
    path: list[Reply] = [(HOME, 2.0), (LAST, 3.0), *inside, (FAR, 27.1), (SITE, 60.0)]
    frame = found(tmp_path, traced(path))
    assert ends(frame) == [(HOME, LAST, "link"), (LAST, FAR, "span"), (FAR, SITE, "link")]
    assert frame["why"].tolist()[1] == why
    assert frame["delta_ms"].tolist()[1] == pytest.approx(24.1)
    assert frame["hidden"].tolist()[1] == 2


def test_two_tunnels_meet_in_the_router_between_them(tmp_path: Path) -> None:
    path: list[Reply] = [(HOME, 2.0), (LAST, 3.0, 16, 1), (ABROAD, 9.0), (NEXT, 40.0, 17, 1), (FAR, 39.0)]
    assert ends(found(tmp_path, traced(path, reached=False))) == [
        (HOME, ABROAD, "span"),
        (ABROAD, FAR, "span"),
    ]


def test_a_tunnel_without_an_end_keeps_its_last_router(tmp_path: Path) -> None:
    path: list[Reply] = [(HOME, 2.0), (LAST, 3.0, 16, 1), (ABROAD, 9.0, 17, 1), (None, None)]
    assert ends(found(tmp_path, traced(path, reached=False))) == [(HOME, ABROAD, "span")]


def test_two_equal_times_and_a_near_room_are_links(tmp_path: Path) -> None:
    path: list[Reply] = [(HOME, 2.0), (LAST, 2.4), (ABROAD, 27.0), (NEXT, 27.2), (SITE, 27.3)]
    # The destination is no router: two routers at 27 ms are no run.
    assert {kind for _, _, kind in ends(found(tmp_path, traced(path)))} == {"link"}
