"""A full rehearsal: the small one whole, by its command; its score, which can say no; and its fates."""

from __future__ import annotations

import copy
import json
import os
import random
import signal
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.worlds.campaign import Log
from tests.worlds.commands import gatewatch

from gatewatch.cli.lab import lab
from gatewatch.cli.rehearsal.fate import KINDS, Fate, Fated, drawn
from gatewatch.cli.rehearsal.findings import score
from gatewatch.cli.rehearsal.truth import Truth, truth
from gatewatch.lab.country.scenario import load
from gatewatch.runner.plan import Item
from gatewatch_targets import Target

needs_fork = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="every run is a fork, which this system has not"
)


@needs_fork
def test_a_small_country_is_rehearsed_and_everything_is_found(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    folder = tmp_path / "rehearsal"
    done = gatewatch("lab", "run", "nig-small", "--root", str(folder), "--jobs", "4", "--json")
    found = json.loads(done.stdout)
    assert [row for row in found["score"] if not row["good"]] == []
    assert done.returncode == 0 and found["good"] and len(found["score"]) == 13 and found["seed"] == 9
    # Runs were killed, stopped, cut off and without a network, and others went well.
    assert found["ends"]["SIGKILL"] >= 3 and found["ends"]["exit 4"] >= 3 and found["ends"]["exit 1"] >= 5
    assert found["ends"]["exit 0"] > found["starts"] / 2 and found["starts"] > 100
    states = {json.loads(file.read_text())["state"] for file in folder.glob("machines/*/2*/run.json")}
    assert "done" in states
    # Everything was dated by the emulated calendar, and everything that was read had been uploaded.
    dates = sorted(path.name for path in folder.glob("store/probe_cc=KH/*"))
    assert (dates[0], dates[-1], len(dates)) == ("date=2027-03-01", "date=2027-03-18", 18)
    page = Path(found["report"]).read_text()
    for words in (
        "came to lead through AS64999",
        "103.9.1.254",
        "Kite (AS64605) goes past",
        "was off the net",
    ):
        assert words in page
    again = CliRunner().invoke(lab, ["run", "nig-small", "--root", str(folder)])
    assert again.exit_code == 2 and "holds a rehearsal already" in again.stderr


def planned(folder: Path) -> set[tuple[int, str]]:
    """Each run's seed and order, of a rehearsal that lies there."""
    plans = [json.loads(file.read_text()) for file in folder.glob("machines/*/2*/plan.json")]
    return {(plan["seed"], " ".join(item["input"] for item in plan["items"])) for plan in plans}


@needs_fork
def test_a_seed_draws_all_of_chance_anew_and_repeats_it(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    from gatewatch.cli.rehearsal import country
    from gatewatch.cli.rehearsal.collector import Collector
    from gatewatch.cli.rehearsal.machine import Place

    text = (files("gatewatch.lab") / "scenarios" / "nig-small.toml").read_text()
    file, folder = tmp_path / "one.toml", tmp_path / "typed"
    # One machine of the seven.
    file.write_text(text.partition("[[rehearsal.volunteer]]")[0] + '[[rehearsal.volunteer]]\nisp = "crane"\n')
    done = gatewatch(
        *("lab", "run", str(file), "--days", "3", "--seed", "10", "--root", str(folder), "--json")
    )
    assert done.returncode == 0, done.stderr
    typed = json.loads(done.stdout)
    ends, plans = {}, {}
    for seed in (9, 10):
        place = Place(tmp_path / str(seed))
        country.furnish(load(str(file)).seeded(seed), place)
        with Collector(place.collected, seed) as there:
            tally = country.live(load(str(file)).seeded(seed), str(file), place, there, days=3, jobs=1)
        ends[seed], plans[seed] = dict(tally.ends), planned(place.folder)
    assert typed["seed"] == 10 and typed["ends"] == ends[10] and planned(folder) == plans[10]
    assert len(plans[9]) == len(plans[10]) == typed["starts"] == 4 and not plans[9] & plans[10]


def told() -> tuple[Truth, dict[str, Any], dict[str, Any]]:
    """The truth of the small country, and what an analysis that finds all of it prints."""
    scenario = load("nig-small")
    assert scenario.rehearsal is not None
    isps = ["Crane (AS64602)", "Heron (AS64603)", "Ibis (AS64601)", "Stork (AS64604)"]
    day, node = "2027-03-10", "AS64999"
    evidence: dict[str, Any] = {
        "country.switch": {
            "node": node,
            "at": day,
            "interval": [day, "2027-03-11"],
            "isps": isps,
            "either": [],
        },
        "country.switch_border": {"node": node, "router": "103.9.1.254"},
        "country.switch_located": {"node": node, "there": 3, "located": 3},
        "country.switch_methods": {
            "after": {"tls.reset": 4},
            "changed": 4,
            "of": 4,
            "dates": {isp: ["2027-03-09", day, "2027-03-11"] for isp in isps},
        },
        "country.switch_past": {"isp": "Kite (AS64605)", "days": 7, "at_most": 0.2},
        "country.switch_gateway_before": {"answer": "ordered", "posterior": {"ordered": 0.9, "gateway": 0.1}},
        "country.switch_gateway_after": {
            "answer": "undetermined",
            "posterior": {"ordered": 0.1, "gateway": 0.9},
        },
        "country.outage": {
            "isp": "Heron (AS64603)",
            "scope": "the ISP",
            "start": "2027-03-05 09:00",
            "end": "2027-03-07 21:00",
            "after": "2027-03-04 20:00",
            "before": "2027-03-08 10:00",
        },
    }
    analysis = {"findings": [{"statement": name, "evidence": about} for name, about in evidence.items()]}
    step = {"event": "announced", "outcome": "none", "subject": "tls", "isp": "Ibis"}
    events = {"interruptions": [step], "joint_changes": [], "event_answers": []}
    return truth(scenario, scenario.rehearsal, 18), analysis, events


def failed(analysis: dict[str, Any], events: dict[str, Any], blocked: tuple[int, int] = (0, 40)) -> set[str]:
    return {row.what for row in score(told()[0], analysis, events, blocked) if not row.good}


def test_the_truth_is_read_off_the_stages() -> None:
    known = told()[0]
    [led] = known.led
    assert (led.on, led.node, led.router, len(led.isps)) == (date(2027, 3, 10), "AS64999", "103.9.1.254", 4)
    [out] = known.out
    assert (out.isp, out.first, out.last) == ("Heron (AS64603)", date(2027, 3, 5), date(2027, 3, 7))
    assert known.past == ("Kite (AS64605)",) and known.quiet == (("announced", date(2027, 3, 14)),)
    assert known.methods["Heron (AS64603)"] == (frozenset({"tls.timeout"}), frozenset({"tls.reset"}))


def test_days_before_the_first_stage_hold_nothing_but_quiet() -> None:
    scenario = load("nig-small")
    assert scenario.rehearsal is not None
    known = truth(scenario, scenario.rehearsal, 4)
    assert (known.led, known.past, known.out, known.quiet, known.before) == ((), (), (), (), "")
    rows = score(
        known, {"findings": []}, {"interruptions": [], "joint_changes": [], "event_answers": []}, (0, 0)
    )
    assert [(row.what, row.good) for row in rows] == [("nothing else", True)]


def test_what_is_all_found_is_scored_so() -> None:
    _, analysis, events = told()
    assert failed(analysis, events) == set()


def change(statement: str, **more: Any) -> Callable[[dict[str, Any]], None]:
    def changed(found: dict[str, Any]) -> None:
        next(one for one in found["findings"] if one["statement"] == statement)["evidence"].update(more)

    return changed


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (change("country.switch", interval=["2027-03-11", "2027-03-12"]), {"switch", "nothing else"}),
        (change("country.switch", interval=["2027-03-01", "2027-03-18"]), {"switch", "nothing else"}),
        (change("country.switch", node="AS64998"), {"switch", "nothing else"}),
        (change("country.switch", isps=["Ibis (AS64601)", "Kite (AS64605)"]), {"switch"}),
        (change("country.switch", either=["Ibis (AS64601)"]), set()),
        (change("country.switch", either=["Kite (AS64605)"]), {"switch"}),
        (change("country.switch", at="2027-03-14"), {"placebo 2027-03-14"}),
        (change("country.switch_border", router="36.1.2.1"), {"border node"}),
        (change("country.switch_located", there=2), {"filter there"}),
        (change("country.switch_methods", after={"dns.bogon": 4}), {"change of method"}),
        (change("country.switch_methods", changed=1), {"change of method"}),
        (
            change("country.switch_methods", dates={"Ibis (AS64601)": ["2027-03-14"] * 3}),
            {"change of method", "placebo 2027-03-14"},
        ),
        (change("country.switch_past", isp="Ibis (AS64601)"), {"goes past it"}),
        (
            change("country.switch_gateway_before", posterior={"ordered": 0.2, "gateway": 0.8}),
            {"evidence before"},
        ),
        (
            change("country.switch_gateway_after", posterior={"ordered": 0.8, "gateway": 0.2}),
            {"evidence after"},
        ),
        (change("country.outage", scope="some lines"), {"outage"}),
        (change("country.outage", start="2027-03-02 09:00"), {"outage"}),
        (change("country.outage", after="2027-03-06 09:00"), {"outage"}),
        (change("country.outage", isp="Ibis (AS64601)"), {"outage", "no other outage"}),
        (lambda found: found["findings"].clear(), None),
    ],
)
def test_what_is_wrong_is_scored_so(wrong: Callable[[dict[str, Any]], None], what: set[str] | None) -> None:
    _, analysis, events = copy.deepcopy(told())
    wrong(analysis)
    nothing = {"switch", "border node", "filter there", "change of method", "goes past it", "outage"}
    assert failed(analysis, events) == (
        nothing | {"evidence before", "evidence after"} if what is None else what
    )


def test_what_is_told_of_a_quiet_day_is_a_mistake() -> None:
    _, analysis, events = told()
    quiet = {"placebo 2027-03-14"}
    assert failed(analysis, {**events, "interruptions": []}) == quiet
    assert (
        failed(analysis, {**events, "interruptions": [{**events["interruptions"][0], "outcome": "up"}]})
        == quiet
    )
    together = {"date": "2027-03-15T00:00:00Z", "isps": 2, "subject": "tls"}
    assert failed(analysis, {**events, "joint_changes": [together]}) == quiet
    assert failed(analysis, {**events, "joint_changes": [{**together, "date": "2027-03-10"}]}) == set()
    fired = [{"event": "announced", "answer": "detector fired"}]
    assert failed(analysis, {**events, "event_answers": fired}) == quiet


def test_what_is_blocked_while_an_isp_is_off_the_net_is_a_mistake() -> None:
    _, analysis, events = told()
    assert failed(analysis, events, (1, 40)) == failed(analysis, events, (0, 0)) == {"outage is no filter"}


@needs_fork
@pytest.mark.parametrize(("kind", "number"), [("killed", signal.SIGKILL), ("stopped", signal.SIGTERM)])
def test_a_process_ends_where_its_fate_is(kind: Any, number: signal.Signals) -> None:
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        observer = Fated(Log(), Fate(kind, 0.5))
        observer.started(8, 0)
        for item in range(8):
            os.write(there, b"x")
            observer.measured(Item(f"web-{item}", "web", Target("https://site.org/")), None)
        os._exit(0)
    os.close(there)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(here, "rb") as stream:
        assert stream.read() == b"xxxx"
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number


def test_fates_are_drawn_as_often_as_asked_and_lines_die_within_a_run() -> None:
    chance = random.Random(1)
    fates = [drawn(chance, 0.3) for _ in range(2000)]
    struck = [fate for fate in fates if fate.kind is not None]
    assert 0.27 < len(struck) / len(fates) < 0.33
    assert all(sum(fate.kind == kind for fate in struck) > 150 for kind in KINDS)
    lines = [fate.dies(10.0) for fate in struck if fate.kind == "line"]
    assert min(lines) >= 2.0 and max(lines) <= 8.0
    assert {fate.dies(10.0) for fate in fates if fate.kind != "line"} == {float("inf")}


def test_days_are_for_whole_rehearsals() -> None:
    for words in (["small", "--days", "3"], ["nig-small", "--days", "3", "--isp", "ibis"]):
        got = CliRunner().invoke(lab, ["run", *words])
        assert got.exit_code == 2 and "--days is for a whole rehearsal" in got.stderr
