"""Silence of networks: what counts as silent, what as an outage, and what proves nothing."""

from ipaddress import ip_network
from typing import Any

import pandas as pd
import pytest
from benchmarks.shutdown_worlds import KINDS, draw
from tests.analysis.frames import DAY, judged

from gatewatch.whereabouts import Prefix, PrefixTable
from gatewatch_analysis.shutdown import attempts, attempts_on_the_wire, outages, shutdowns, stops
from gatewatch_analysis.tables import Attempts, Observations, Outages, Shutdowns, Stops, Table

SITES = 12


def visits(
    silent: dict[int, Any], *, days: int = 30, asn: int = 1, every: int = 6, run: str = "", abroad: Any = True
) -> pd.DataFrame:
    """Attempts of an ISP, a visit every few hours; ``silent``: the share by hour, None for no visit."""
    rows = []
    for hour in range(0, days * 24, every):
        share = silent.get(hour, 0)
        for site in range(SITES if share is not None else 0):
            start = DAY + pd.Timedelta(hours=hour, minutes=site)
            about = ("KH", f"ISP {asn}", asn, False, f"{run}{hour}", start, f"{site}.com")
            rows.append((*about, site < share * SITES, abroad))
    return Attempts.frame(rows)


def during(begin: int, end: int, share: Any = 1.0, every: int = 6) -> dict[int, Any]:
    return {hour: share for hour in range(0, 100_000, every) if begin <= hour < end}


def at(time: Any) -> float:
    return float((time - DAY).total_seconds() / 3600)


def test_verdicts_tell_who_met_silence() -> None:
    rules = {
        "ok": False,
        "tls.reset": False,  # a censor answered
        "tcp.timeout": False,  # the control did
        "down": False,
        "inconclusive/tcp.no_control": True,
        "inconclusive/dns.no_control": True,
        "inconclusive/whole.no_control": False,
        "inconclusive/line.portal": None,  # says nothing of the network behind
    }
    frame = judged(
        [
            {
                "label": rule.partition("/")[0],
                "rule": rule.partition("/")[2] or rule,
                "input": f"http://{n}.com/",
            }
            for n, rule in enumerate(rules)
        ]
    )
    found = attempts(frame).set_index("target")["silent"].to_dict()
    assert found == {f"{n}.com": silent for n, silent in enumerate(rules.values()) if silent is not None}


def observed(*steps: dict[str, Any]) -> pd.DataFrame:
    columns = list(Observations.columns())
    about = {"country": "KH", "isp": "One", "asn": 1, "lab": False}
    about |= {"run": "r", "control": False, "start": DAY}
    rows = [[{**about, **step}.get(name) for name in columns] for step in steps]
    return Observations.frame(rows)


def test_the_wire_tells_who_met_silence_and_where() -> None:
    at_home, away = ip_network("36.37.128.0/17"), ip_network("1.0.0.0/8")
    table = PrefixTable([Prefix(at_home, 38623, "KH", "Metfone"), Prefix(away, 1, "US", "A")])
    silence, refusal = "generic_timeout_error", "connection_refused"

    def one(number: int, kind: str = "connect", **step: Any) -> dict[str, Any]:
        return {"measurement": number, "kind": kind, "input": f"https://{number}.com/x", **step}

    steps = [
        one(1, address="1.1.1.1", failure=silence),
        one(1, "answer", failure=None, control=True),  # the helper answered: the line is there
        one(2, address="1.1.1.1", failure=silence),
        one(3, address="36.37.128.5", failure=silence),
        one(4, address="1.1.1.1", failure=refusal),
        one(5, "answer", failure="dns_temporary_failure"),
        one(6, "hop", address="1.1.1.1"),
        one(7, "answer", failure=silence),
        one(7, address="1.1.1.1", failure=None),
    ]
    found = attempts_on_the_wire(observed(*steps), table).set_index("target").sort_index()
    assert found["silent"].to_dict() == {
        "1.com": False,
        "2.com": True,
        "3.com": True,
        "4.com": False,
        "5.com": True,
        "7.com": False,
    }
    assert found["abroad"].tolist() == [True, True, False, True, pd.NA, True]
    assert attempts_on_the_wire(observed()).empty


def test_an_outage_is_dated_between_the_visits_around_it() -> None:
    [found] = outages(visits(during(240, 288))).to_dict("records")
    assert (found["scope"], found["visits"], found["silent"], found["targets"]) == ("the ISP", 8, 8, SITES)
    assert [int(at(found[name])) for name in ("after", "start", "end", "before")] == [234, 240, 282, 288]
    assert found["probability"] > 0.99


@pytest.mark.parametrize(
    "silent",
    [
        {},
        during(240, 246),  # one visit
        during(240, 480, share=0.5),  # half of the sites
        during(0, 1000),  # from beginning to end: nothing that it differs from
    ],
)
def test_what_is_no_outage(silent: dict[int, Any]) -> None:
    assert outages(visits(silent)).empty
    assert shutdowns(visits(silent)).empty


def test_many_failures_of_one_visit_are_one_observation() -> None:
    frame = visits(during(240, 246))
    often = pd.concat([frame.assign(target=frame["target"] + str(n)) for n in range(50)], ignore_index=True)
    assert outages(often).empty


def test_lines_that_go_on_tell_that_it_is_some_lines() -> None:
    frame = pd.concat([visits(during(240, 480)), visits({}, run="other")], ignore_index=True)
    [found] = shutdowns(frame).to_dict("records")
    assert (found["scope"], found["out"], found["names"]) == ("some lines", 1, "ISP 1 (AS1)")
    assert pd.isna(found["share_low"])


def test_an_outage_of_one_isp_is_that() -> None:
    frame = pd.concat([visits(during(240, 288)), visits({}, asn=2), visits({}, asn=3)], ignore_index=True)
    [found] = shutdowns(frame).to_dict("records")
    assert (found["kind"], found["scope"], found["names"]) == ("failures", "one ISP", "ISP 1 (AS1)")
    assert (found["isps"], found["out"], found["answered"], found["stopped"]) == (3, 1, 2, 0)


def test_a_short_shutdown_is_seen_on_all_isps_together() -> None:
    # Two visits on each ISP are too few for any of them.
    parts = [visits(during(240, 252), asn=asn) for asn in range(1, 6)]
    assert all(outages(part).empty for part in parts)
    [found] = shutdowns(pd.concat(parts, ignore_index=True)).to_dict("records")
    assert (found["scope"], found["out"], found["answered"]) == ("every ISP heard", 5, 0)
    assert 0.5 < found["share_low"] < 0.6
    assert (int(at(found["start"])), int(at(found["end"]))) == (240, 246)


def test_a_shut_border_leaves_what_is_inside() -> None:
    away = [visits(during(240, 288), asn=asn) for asn in (1, 2)]
    home = [visits({}, asn=asn, abroad=False).assign(target="at.home") for asn in (1, 2)]
    several = [frame.assign(target=f"{n}.kh") for n in range(4) for frame in home]
    [found] = shutdowns(pd.concat([*away, *several], ignore_index=True)).to_dict("records")
    assert (found["scope"], found["reach"]) == ("every ISP heard", "abroad")


def test_what_lasts_to_the_end_has_no_end() -> None:
    frame = pd.concat([visits(during(600, 10_000), asn=asn) for asn in (1, 2)], ignore_index=True)
    [found] = shutdowns(frame).to_dict("records")
    assert pd.isna(found["end"])
    assert found["scope"] == "every ISP heard"


def test_silence_of_volunteers_proves_nothing() -> None:
    frame = pd.concat([visits(during(240, 480, share=None), asn=asn) for asn in (1, 2, 3)], ignore_index=True)
    assert len(stops(frame)) == 3
    [found] = shutdowns(frame).to_dict("records")
    assert (found["kind"], found["scope"]) == ("measurements stopped", "every ISP heard")
    assert (found["out"], found["stopped"], pd.isna(found["share_low"])) == (0, 3, True)
    # One ISP's volunteers are nobody's shutdown, and are told as their gap only.
    one = visits(during(240, 480, share=None))
    assert len(stops(one)) == 1
    assert shutdowns(one).empty


def test_stopped_isps_are_counted_beside_those_that_failed() -> None:
    silent = during(240, 360)
    parts = [visits(silent), visits(silent, asn=2), visits(during(240, 360, share=None), asn=3)]
    frame = pd.concat(parts, ignore_index=True)
    [found] = shutdowns(frame).to_dict("records")
    assert (found["scope"], found["out"], found["stopped"]) == ("every ISP heard", 2, 1)


def test_gaps_as_long_as_others_are_not_unusual() -> None:
    weekly = {hour: None for hour in range(0, 100_000, 6) if hour // 24 % 7 > 1}
    assert stops(visits(weekly, days=90)).empty


@pytest.mark.parametrize("kind", KINDS)
def test_worlds_are_told_for_what_they_are(kind: str) -> None:
    # python -m benchmarks shutdowns draws a hundred of each.
    for seed in range(1):
        found = shutdowns(draw(kind, seed).attempts)
        scopes = [row.scope if row.kind == "failures" else "stopped" for row in found.itertuples()]
        truth = KINDS[kind]
        # A line that breaks for a few visits is not always seen; it is never told as its ISP.
        assert scopes in ([[truth]] if kind != "one line" else [[truth], []]) if truth else not scopes


@pytest.mark.parametrize("silent", [None, during(240, 288)])
def test_columns_are_those_documented(silent: Any) -> None:
    frame = Attempts.frame([]) if silent is None else visits(silent)
    tables: list[tuple[type[Table], pd.DataFrame]] = [
        (Attempts, frame),
        (Attempts, attempts(judged([]))),
        (Outages, outages(frame)),
        (Stops, stops(frame)),
        (Shutdowns, shutdowns(frame)),
    ]
    for table, got in tables:
        types = {str(name): str(dtype) for name, dtype in got.dtypes.items()}
        assert types == {name: column.dtype for name, column in table.columns().items()}, table
