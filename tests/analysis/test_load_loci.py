"""locate and contrast into tables: every column, what deep mode adds, and what is odd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.analysis.runs import measurement, write_lines, write_run
from tests.worlds.country import measure

from gatewatch.lab.country.scenario import load as scenario
from gatewatch.records import (
    Box,
    Contrast,
    ContrastEnd,
    ContrastTrial,
    LocateHop,
    Locus,
    Measurement,
    ResidualWait,
    dumps,
    encode,
)
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_analysis.loading import load
from gatewatch_analysis.tables import Contrasts, Hops, Loci
from gatewatch_probes.contrast import ContrastProbe
from gatewatch_probes.locate import Locate

SITE = "https://site.com/"
HOPS = (
    LocateHop(ttl=1, address="192.168.1.0/24", rtt=1.0, asked=2, answered=2),
    LocateHop(ttl=2, address=None, asked=4),
    LocateHop(ttl=3, address="104.23.10.5", rtt=24.0, asked=2, answered=2),
)
LOCUS = Locus(
    method="tls",
    address="104.16.1.1",
    port=443,
    source_port=61001,
    name="site.com",
    signature="reset",
    before=4,
    after=5,
    hop=5,
    before_address="36.37.130.1",
    after_address="36.37.130.14",
    before_asn=38623,
    after_asn=38623,
    before_country="KH",
    after_country="KH",
    place="border",
    probability=0.999,
    in_path=0.5,
    copies_ttl=0.0,
    distance=9,
    triggers=7,
    hops=HOPS,
)
BOX = Box(
    method="tls",
    address="104.16.1.1",
    packets_most=3,
    flags=("R", "RA"),
    dont_fragment=True,
    ip_id="zero",
    initial_ttl="64",
    window_least=0,
    window_most=512,
    payload=b"\x01\x02",
    delay_median=9.4,
    residual_least=0.0,
    residual_most=0.0,
    consistent_with=("cn.gfw.2", "cn.gfw.3"),
)


def located(*loci: Locus, boxes: tuple[Box, ...] = (), **about: Any) -> Measurement:
    extra = {
        "x_gatewatch_locate": [encode(locus) for locus in loci],
        "x_gatewatch_box": [encode(box) for box in boxes],
    }
    return measurement("locate", SITE, extra, **about)


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object)
    return [
        {str(k): v for k, v in row.items()} for row in plain.where(frame.notna(), None).to_dict("records")
    ]


def test_a_locus_with_what_deep_mode_saw(tmp_path: Path) -> None:
    data = load([write_run(tmp_path / "r", [located(LOCUS, boxes=(BOX,))])])
    assert {c: str(t) for c, t in data.loci.dtypes.items()} == {n: c.dtype for n, c in Loci.columns().items()}
    [row] = rows(data.loci)
    assert row.pop("measurement") == data.measurements["measurement"].iloc[0]
    assert row == {
        "country": "KH",
        "isp": "Metfone",
        "asn": 38623,
        "lab": False,
        "run": "r",
        "start": pd.Timestamp("2024-05-01 12:00:00", tz="UTC"),
        "input": SITE,
        "method": "tls",
        "name": "site.com",
        "address": "104.16.1.1",
        "port": 443,
        "signature": "reset",
        "before": 4,
        "after": 5,
        "before_address": "36.37.130.1",
        "before_asn": 38623,
        "before_country": "KH",
        "before_ixp": None,
        "after_address": "36.37.130.14",
        "after_asn": 38623,
        "after_country": "KH",
        "after_ixp": None,
        "place": "border",
        "probability": 0.999,
        "triggers": 7,
        "reason": None,
        "in_path": 0.5,
        "copies_ttl": 0.0,
        "residual_least": 0.0,
        "residual_most": 0.0,
        "flags": "R RA",
        "initial_ttl": "64",
        "ip_id": "zero",
        "dont_fragment": True,
        "window_least": 0,
        "window_most": 512,
        "packets": 3,
        "payload": "0102",
        "delay_ms": 9.4,
        "consistent_with": "cn.gfw.2 cn.gfw.3",
    }


def test_the_way_that_locate_saw_is_a_trace(tmp_path: Path) -> None:
    data = load([write_run(tmp_path / "r", [located(LOCUS)])])
    assert list(data.hops.columns) == list(Hops.columns())
    seen = data.hops[["trace", "destination", "flow", "ttl", "address", "rtt_ms", "reached"]]
    assert rows(seen) == [
        {
            "trace": 0,
            "destination": "104.16.1.1",
            "flow": "tcp 61001 443",
            "ttl": hop.ttl,
            "address": hop.address,
            "rtt_ms": hop.rtt,
            "reached": True,
        }
        for hop in HOPS
    ]


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ((), (0.0, 0.0)),
        ((ResidualWait(passed=True, at_least=30.0, at_most=90.0, waits=(30.0, 60.0)),) * 2, (30.0, 90.0)),
        ((ResidualWait(passed=False, at_least=660.0),), (660.0, None)),
    ],
)
def test_how_long_it_goes_on_blocking(
    tmp_path: Path, waits: tuple[ResidualWait, ...], expected: tuple[float, float | None]
) -> None:
    from dataclasses import replace

    [row] = rows(load([write_run(tmp_path / "r", [located(replace(LOCUS, residual=waits))])]).loci)
    assert (row["residual_least"], row["residual_most"]) == expected


def test_nothing_found_is_a_row_with_its_reason(tmp_path: Path) -> None:
    none = Locus(
        method="tls", address="104.16.1.1", port=443, source_port=61001, reason="no interference seen"
    )
    [row] = rows(load([write_run(tmp_path / "r", [located(none)])]).loci)
    assert (row["before"], row["place"], row["reason"]) == (None, None, "no interference seen")
    assert (row["residual_least"], row["signature"]) == (None, None)


def contrasted() -> Measurement:
    def trial(method: str, place: str, name: str, outcome: str) -> ContrastTrial:
        return ContrastTrial(
            method=method,
            place=place,
            address="202.58.96.79" if place == "home" else "104.16.1.1",
            name=name,
            control=name != "site.com",
            outcome=outcome,
        )

    trials = [trial("tls", p, "example.com", "answered") for p in ("home", "abroad")]
    trials += [
        trial("tls", "home", "site.com", "answered"),
        *[trial("tls", "abroad", "site.com", "reset")] * 2,
    ]
    ends = (
        ContrastEnd(place="home", host="a.kh", address="202.58.96.79", asn=9902, country="KH"),
        ContrastEnd(place="abroad", host="b.com", address="104.16.1.1", asn=13335, country="US"),
    )
    found = Contrast(ends=ends, trials=tuple(trials))
    return measurement("contrast", SITE, {"x_gatewatch_contrast": encode(found)})


def test_a_contrast(tmp_path: Path) -> None:
    data = load([write_run(tmp_path / "r", [contrasted()])])
    assert {c: str(t) for c, t in data.contrasts.dtypes.items()} == {
        n: c.dtype for n, c in Contrasts.columns().items()
    }
    [row] = rows(data.contrasts)
    expected = {
        "input": SITE,
        "method": "tls",
        "conclusion": "foreign_only",
        "word": "reset",
        "home_address": "202.58.96.79",
        "home_asn": 9902,
        "home_country": "KH",
        "abroad_address": "104.16.1.1",
        "abroad_asn": 13335,
        "abroad_country": "US",
        "missing": None,
    }
    assert {k: row[k] for k in expected} == expected


def test_what_the_probes_write_in_a_country_at_whose_border_a_filter_stands(tmp_path: Path) -> None:
    country = scenario("acceptance/contrast-border")
    table = PrefixTable(parse_prefixes(country.prefixes_csv().splitlines(), lambda *_: None))
    lines = []
    for probe in (Locate(seed=1), ContrastProbe(seed=1)):
        url = "https://www.example.com/"
        keys = measure(probe, url, "smart", country, whereabouts=table, asn=45498, country="KH", deep=True)
        lines.append(measurement(probe.test_name, url, dict(keys.extra), asn=45498, name="Smart"))
    data = load([write_run(tmp_path / "r", lines, isp=None)])
    [locus] = rows(data.loci)
    assert (locus["method"], locus["before"], locus["after"], locus["place"]) == ("tls", 4, 5, "border")
    assert (locus["flags"], locus["initial_ttl"], locus["ip_id"]) == ("RA", "64", "zero")
    assert {r["method"]: r["conclusion"] for r in rows(data.contrasts)} == {
        "tls": "foreign_only",
        "http": "neither",
        "dns": "neither",
    }


ODD: list[Any] = [None, 5, "x", [], [5], {}, [[]], [{"method": ["tls"], "address": {}, "hops": [1, {}]}]]


@pytest.mark.parametrize("odd", [*ODD, [{"hops": 5, "residual": [5], "before": -1, "port": 1e99}]])
def test_what_is_odd_stops_nothing(tmp_path: Path, odd: Any) -> None:
    lines = [
        dumps(measurement("locate", SITE, {"x_gatewatch_locate": odd, "x_gatewatch_box": odd})),
        dumps(measurement("contrast", SITE, {"x_gatewatch_contrast": {"ends": odd, "trials": odd}})),
        dumps(measurement("contrast", SITE, {"x_gatewatch_contrast": odd})),
    ]
    data = load([write_lines(tmp_path / "x.jsonl", lines)])
    assert len(data.measurements) == 3
    json.dumps([rows(data.loci), rows(data.contrasts)], default=str)
    assert len(data.contrasts) == 0 and data.loci["before"].isna().all()
