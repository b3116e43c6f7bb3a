"""Ways abroad that come to lead through one network: found with their day, and not where there are none."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.analysis.frames import DAY, judged

from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_analysis.blocking import everywhere_down
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.page.contents import gather
from gatewatch_analysis.page.parts.changed import changed
from gatewatch_analysis.report import overtime
from gatewatch_analysis.switch import Switched, switched
from gatewatch_analysis.tables import Contrasts, Hops, Loci, Measurements, Problems

GATE = "AS64999"
ROWS = (
    "prefix,asn,country,name",
    *(f"36.{n}.0.0/16,{n},KH,ISP {n}" for n in range(1, 13)),
    "103.9.0.0/16,64999,KH,The gate",
    "62.0.0.0/8,64800,SG,A carrier",
)
PLAN = PrefixTable(parse_prefixes(ROWS, lambda *_: None))
DAYS = 30


def traced(
    since: Mapping[int, int | None], *, gate: str = "103.9.1.1", share: float = 1.0, seed: int = 1
) -> pd.DataFrame:
    """Traces of ISPs, by number, whose ways lead through the gate from a day on, on a share of the days."""
    rng = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    for number, (isp, begins) in enumerate(since.items()):
        for day in range(DAYS):
            if rng.random() > share:
                continue
            behind = begins is not None and day >= begins
            path = ["192.168.1.1", f"36.{isp}.0.1", *([gate] if behind else []), "62.1.0.1", "62.1.1.1"]
            start = DAY + pd.Timedelta(days=day, hours=6)
            about = ("KH", f"ISP {isp}", isp, False, f"run {isp} {day}", 1000 * number + day, start)
            rows += [
                (*about, "62.9.9.9", "udp 1 2", ttl, address, 1.0 * ttl, *(None,) * 6, True, 0)
                for ttl, address in enumerate(path, 1)
            ]
    return Hops.frame(rows)


def found(hops: pd.DataFrame, measurements: pd.DataFrame | None = None) -> Switched:
    seen = Measurements.frame([]) if measurements is None else measurements
    return switched(hops, seen, Loci.frame([]), everywhere_down(seen), PLAN)


def states(seen: Switched, node: str = GATE) -> dict[str, str]:
    mine = seen.passes[seen.passes["node"] == node]
    return dict(zip(mine["isp"], mine["state"], strict=True))


def test_other_destinations_have_other_ways_and_nothing_was_switched() -> None:
    hops = traced(dict.fromkeys(range(1, 6), 15))
    late = hops["start"] >= DAY + pd.Timedelta(days=15)
    assert len(found(hops).switches) == 1
    other = hops.assign(destination=hops["destination"].mask(late, "62.8.8.8"))
    assert found(other).switches.empty
    # Nor where the destinations of before are traced as well, and their ways are what they were.
    old = traced(dict.fromkeys(range(1, 6)))
    beside = old.assign(trace=old["trace"] + 100_000)
    assert found(pd.concat([other, other.assign(trace=other["trace"] + 200_000), beside])).switches.empty


def test_two_stages_are_dated_and_an_isp_that_goes_past_is_named() -> None:
    since = {**dict.fromkeys(range(1, 6), 15), **dict.fromkeys(range(6, 9), 19), 9: None}
    # A third of the days are missing: volunteers come and go.
    seen = found(traced(since, share=0.67))
    first, second = (row for _, row in seen.switches.iterrows())
    assert (first["node"], first["name"]) == (GATE, "The gate")
    assert first["at"] == DAY.floor("D") + pd.Timedelta(days=15)
    assert (first["isps"], second["isps"], first["of"]) == (5, 3, 9)
    assert second["at"] == DAY.floor("D") + pd.Timedelta(days=19)
    for row in (first, second):
        assert row["low"] <= row["at"] <= row["high"] and row["high"] - row["low"] <= pd.Timedelta(days=2)
        assert row["probability"] > 0.95 and row["router"] == "103.9.1.1"
    assert second["names"] == "ISP 6 (AS6), ISP 7 (AS7), ISP 8 (AS8)"
    assert states(seen) == {f"ISP {n}": "since" if n < 9 else "not behind it" for n in since}
    past = seen.passes[seen.passes["state"] == "not behind it"].iloc[0]
    assert past["through"] == 0 and 0 < past["at_most"] < 0.5 and past["router"] == "36.9.0.1"


def test_whose_days_fit_two_steps_is_named_with_neither() -> None:
    since = {**dict.fromkeys(range(1, 6), 15), **dict.fromkeys(range(6, 9), 19), 9: None}
    hops = traced(since)
    days = (hops["start"] - DAY).dt.days
    # Not traced from day 15 to day 18: its ways may have changed with those, or with these.
    gap = (hops["isp"] == "ISP 6") & days.between(15, 18)
    seen = found(hops[~gap])
    first, second = (row for _, row in seen.switches.iterrows())
    assert (first["isps"], second["isps"]) == (5, 2)
    assert "ISP 6 (AS6)" not in f"{first['names']}, {second['names']}"
    assert first["either"] == second["either"] == "ISP 6 (AS6)"
    # That they changed is sure.
    assert states(seen)["ISP 6"] == "since"
    text = findings(hops[~gap], Measurements.frame([]))["country.switch"][0].text
    assert text.endswith("On this day or on another such day, which their traces do not tell: ISP 6 (AS6).")
    # One trace in between tells.
    told = found(hops[~(gap & (days != 18))])
    assert list(told.switches["isps"]) == [5, 3] and not any(told.switches["either"])


@pytest.mark.parametrize(
    "since",
    [
        pytest.param(dict.fromkeys(range(1, 9)), id="nobody"),
        pytest.param(dict.fromkeys(range(1, 9), 0), id="always"),
        pytest.param({1: 15, **dict.fromkeys(range(2, 9))}, id="one alone"),
    ],
)
def test_what_is_no_common_change_is_none(since: dict[int, int | None]) -> None:
    seen = found(traced(since))
    assert seen.switches.empty and seen.passes.empty


def test_changes_weeks_apart_are_no_common_change() -> None:
    assert found(traced({1: 6, 2: 12, 3: 18, 4: 24, 5: None})).switches.empty


def test_ways_that_come_and_go_by_chance_are_no_change() -> None:
    """A way that a balancer picks anew each day: through the network on half the days, on every ISP."""
    fired = 0
    for seed in range(15):
        rng = random.Random(seed)
        parts = []
        for isp in range(1, 7):
            on, off = traced({isp: 0}), traced({isp: None})
            days = [day for day in range(DAYS) if rng.random() < 0.5]
            here = (on["start"] - DAY).dt.days.isin(days)
            parts += [on[here], off[~(off["start"] - DAY).dt.days.isin(days)]]
        fired += len(found(pd.concat(parts, ignore_index=True)).switches) > 0
    assert fired == 0


def test_too_few_days_after_it_leave_open_who_goes_past() -> None:
    since = {1: 25, 2: 25, 3: 25, 4: 25, 5: None}
    hops = traced(since)
    # The last ISP was traced once only since then.
    late = (hops["isp"] == "ISP 5") & (hops["start"] >= DAY + pd.Timedelta(days=26))
    assert states(found(hops[~late]))["ISP 5"] == "cannot tell"


def blocked(
    isps: Iterable[int], before: Mapping[int, str], after: Mapping[int, str], at: int
) -> pd.DataFrame:
    return judged(
        {
            "asn": isp,
            "input": f"http://{site}.com/",
            "label": (before if day < at else after)[isp] if site < 3 else "ok",
            "day": day,
            "hour": 6,
            "run": f"run {isp} {day}",
        }
        for isp in isps
        for day in range(DAYS)
        for site in range(6)
    )


def dataset(hops: pd.DataFrame, measurements: pd.DataFrame) -> Dataset:
    return Dataset(
        measurements=measurements,
        hops=hops,
        loci=Loci.frame([]),
        contrasts=Contrasts.frame([]),
        problems=Problems.frame([]),
        prefixes=(),
    )


def findings(hops: pd.DataFrame, measurements: pd.DataFrame) -> dict[str, list[Any]]:
    data = dataset(hops, measurements)
    told: dict[str, list[Any]] = {}
    for finding in overtime.findings(overtime.over_time(data, PLAN), data):
        told.setdefault(finding.statement, []).append(finding)
    return told


WAYS = ("dns.nxdomain", "dns.bogon", "tls.timeout", "tls.eof", "tcp.timeout", "tls.timeout")


def test_the_findings_say_when_where_how_and_who_not() -> None:
    isps = range(1, 7)
    before = dict(zip(isps, WAYS, strict=True))
    after = {**dict.fromkeys(range(1, 6), "tls.reset"), 6: "tls.timeout"}
    hops = traced({**dict.fromkeys(range(1, 6), 15), 6: None})
    told = findings(hops, blocked(isps, before, after, 15))
    [switch] = told["country.switch"]
    assert switch.evidence["interval"] == ["2024-05-16", "2024-05-16"] and switch.evidence["node"] == GATE
    [methods] = told["country.switch_methods"]
    assert (methods.evidence["changed"], methods.evidence["of"]) == (5, 5)
    assert methods.evidence["after"] == {"tls.reset": 5} and methods.evidence["before"]["dns.bogon"] == 1
    # Five of five ISPs say of such ISPs no more than that.
    assert methods.confidence == pytest.approx(0.69, abs=0.01)
    [past] = told["country.switch_past"]
    assert past.evidence["isp"] == "ISP 6 (AS6)" and "tls.timeout, as before" in past.text
    assert "country.no_switch" not in told and "country.outage" not in told
    assert {"country.switch_gateway_before", "country.switch_gateway_after"} <= told.keys()


def test_that_nothing_changed_is_said_where_it_could_have_been_seen() -> None:
    isps = range(1, 4)
    same = dict(zip(isps, WAYS, strict=False))
    told = findings(traced(dict.fromkeys(isps)), blocked(isps, same, same, 15))
    assert list(told) == ["country.no_switch"]


def test_an_outage_is_told_as_one_and_as_no_filter() -> None:
    rows = [
        {
            "asn": asn,
            "input": f"http://{site}.com/",
            "label": "inconclusive" if asn == 1 and 10 <= day < 14 else "ok",
            "rule": "line.silent" if asn == 1 and 10 <= day < 14 else "ok",
            "day": day,
            "hour": hour,
            "run": f"run {asn} {day} {hour}",
        }
        for asn in (1, 2)
        for day in range(DAYS)
        for hour in (3, 15)
        for site in range(6)
    ]
    told = findings(Hops.frame([]), judged(rows))
    [outage] = told["country.outage"]
    assert outage.evidence["isp"] == "ISP 1 (AS1)" and outage.evidence["scope"] == "the ISP"
    assert (outage.evidence["after"], outage.evidence["before"]) == ("2024-05-10 15:00", "2024-05-15 03:00")
    assert outage.evidence["silent"] == outage.evidence["visits"] == 8 and "no filter" in outage.text


def test_the_page_draws_it_day_by_day_and_names_each_isp(tmp_path: Path) -> None:
    isps = range(1, 7)
    before = dict(zip(isps, WAYS, strict=True))
    after = {**dict.fromkeys(range(1, 6), "tls.reset"), 6: "tls.timeout"}
    hops = traced({**dict.fromkeys(range(1, 6), 15), 6: None})
    data = dataset(hops, blocked(isps, before, after, 15))
    days = found(hops, data.measurements).days
    at = (days["day"] - DAY.floor("D")).dt.days
    assert days[at == 14][["isps", "through", "blocking", "by_method"]].values.tolist() == [[6, 0, 6, 0]]
    assert days[at == 15][["isps", "through", "blocking", "by_method"]].values.tolist() == [[6, 5, 6, 5]]
    assert set(days["method"]) == {"tls.reset"} and len(days) == DAYS
    file = tmp_path / "prefixes.csv"
    file.write_text("\n".join(ROWS))
    section = "".join(element for part in changed(gather(data, [file])).parts for element in part.render())
    assert section.count("<polyline") == 2 and "ways abroad through AS64999: 0 to 0.833" in section
    assert section.count("<bdi>behind it<") == 5 and section.count("<bdi>past it<") == 1
    assert section.count("<bdi>2024-05-16<") == 10  # of the ways, and of the methods
    quiet = dataset(traced(dict.fromkeys(isps)), blocked(isps, before, before, 15))
    section = "".join(element for part in changed(gather(quiet, [file])).parts for element in part.render())
    assert "Nothing was seen to change." in section and "<table" not in section
