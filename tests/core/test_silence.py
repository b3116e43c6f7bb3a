"""A line on which nothing answers: what an unattended run keeps of it, and what it keeps nothing of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.core.test_session import session
from tests.worlds.campaign import lasting
from tests.worlds.duty import Time, events, orders

from gatewatch.lab.country.scenario import load
from gatewatch.lab.rehearse import in_memory
from gatewatch.runner.observer import Observer
from gatewatch.runner.session import Outcome, Surroundings, conduct
from gatewatch.store import list_runs, read
from gatewatch.unattended.duty import Duty
from gatewatch.unattended.status import Status
from gatewatch.upload.config import Destination
from gatewatch.upload.spool import concerned

BEGAN = datetime(2027, 3, 8, 4, 0, tzinfo=UTC)


def holding(root: Path, around: Callable[[], Surroundings]) -> Callable[[Observer], Outcome]:
    """Sessions in surroundings that are made anew each time, as a clock starts anew."""
    return lambda observer: conduct(replace(session(root, lasting(1)), surroundings=around()), observer)


def heron(day: int) -> Surroundings:
    """An ISP that is off the net from day 7 to day 10."""
    return in_memory(load("nig-switchover").on(day), "heron", began=BEGAN)[0]


def test_what_was_tried_on_a_silent_line_is_kept_once(tmp_path: Path) -> None:
    ended = Duty(orders(tmp_path, Time())).do(holding(tmp_path, lambda: heron(8)))
    assert (ended.code, ended.outcome) == (4, "no_network")
    # Five looks, and one run.
    (run,) = list_runs(tmp_path)
    assert (run.id, run.state, run.planned) == (ended.run, "no_network", 0) and run.id.startswith(
        "20270308T0400"
    )
    assert [event["event"] for event in events(tmp_path)][-2:] == ["silence kept", "end"]
    status = Status.read(tmp_path)
    assert status and (status.run, status.measured) == (ended.run, 0)
    found = [json.loads(line) for line in read(run.path)]
    assert {m["test_name"] for m in found} == {"line"}
    asked = {m["input"] for m in found}
    assert "http://detectportal.firefox.com/success.txt" in asked
    assert len({url for url in asked if url.startswith("tcp://") and url.endswith(":443")}) == 3
    for m in found:
        keys = m["test_keys"]
        failures = [query["failure"] for query in keys["queries"]]
        failures += [connect["status"]["failure"] for connect in keys["tcp_connect"]]
        assert failures and None not in failures
        assert m["x_gatewatch_verdict"]["status"] == "inconclusive"
        assert m["measurement_start_time"] == "2027-03-08 04:00:00"
    # It is uploaded as any run is.
    there = Destination("here", "store", "file:///nowhere", lab=True)
    assert [info.id for info in concerned(tmp_path, there)] == [ended.run]


def test_a_line_that_answers_is_measured_and_nothing_else_is_kept(tmp_path: Path) -> None:
    ended = Duty(orders(tmp_path, Time())).do(holding(tmp_path, lambda: heron(2)))
    (run,) = list_runs(tmp_path)
    assert (ended.outcome, run.id) == ("done", ended.run)
    assert {json.loads(line)["test_name"] for line in read(run.path)} == {"fake"}


@pytest.mark.parametrize("why", ["no route", "portal"])
def test_what_is_no_silence_of_the_network_is_not_kept(tmp_path: Path, why: str) -> None:
    """A plug that is out sends nothing; and of a portal, somebody answers."""

    def around() -> Surroundings:
        if why == "no route":
            return replace(heron(8), route=lambda: False)
        return in_memory("acceptance/captive-portal", load("acceptance/captive-portal").isps[0].id)[0]

    ended = Duty(orders(tmp_path, Time())).do(holding(tmp_path, around))
    assert (ended.outcome, ended.run, list_runs(tmp_path)) == ("no_network", None, [])


def test_silence_is_an_attempt_that_met_nobody(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    from gatewatch_analysis.loading import load as load_runs
    from gatewatch_analysis.loading.observations import load_observations
    from gatewatch_analysis.shutdown import attempts, attempts_on_the_wire
    from gatewatch_analysis.shutdown.visits import visits

    Duty(orders(tmp_path, Time())).do(holding(tmp_path, lambda: heron(8)))
    for seen in (
        attempts(load_runs([tmp_path]).measurements),
        attempts_on_the_wire(load_observations([tmp_path]).observations),
    ):
        assert len(seen) >= 5 and seen["silent"].all() and seen["lab"].all()
        # Enough targets to be a visit of its own.
        assert visits(seen)["silent"].tolist() == [True]
