"""Stages: a country from one day to the next, what a wrong one is told, and the clock on a session's wall."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import trio
import trio.testing
from tests.core.test_session import run_json, session
from tests.worlds.campaign import Log, lasting

from gatewatch.lab import memory
from gatewatch.lab.country.scenario import Scenario, ScenarioError, load
from gatewatch.lab.rehearse import in_memory
from gatewatch.net import lookup
from gatewatch.net.journal import Journal
from gatewatch.runner.session import conduct
from gatewatch.store import read

COUNTRY = """
name = "staged"
title = "A country with a past"
country = "KH"
source = "a test"
include = ["abroad"]

[[network]]
asn = 64601
name = "One"
country = "KH"
prefixes = ["36.1.0.0/16"]

[[network]]
asn = 64602
name = "Two"
country = "KH"
prefixes = ["36.2.0.0/16"]

[[network]]
asn = 9902
name = "Hosting at home"
country = "KH"
prefixes = ["202.58.96.0/21"]
hosting = true

[[network]]
asn = 64999
name = "The gate"
country = "KH"
prefixes = ["103.9.0.0/16"]

[[isp]]
id = "one"
asn = 64601
title = "One"
client = "36.1.200.10"
resolver = "36.1.201.53"
local_hops = 2
path = [
    { address = "36.1.0.1", ms = 1.0 },
    { address = "36.1.1.1", ms = 2.0 },
    { address = "36.1.2.1", ms = 3.0 },
]

[[isp.box]]
kind = "sni-drop"
hop = 3
domains = ["forbidden.org"]

[[isp]]
id = "two"
asn = 64602
title = "Two"
client = "36.2.200.10"
resolver = "36.2.201.53"
local_hops = 2
path = [{ address = "36.2.0.1", ms = 1.0 }, { address = "36.2.1.1", ms = 2.0 }]

[[route]]
name = "abroad"
prefixes = ["default"]
path = [{ address = "62.1.0.254", ms = 5.0 }]
server_ms = 6.0
"""
GATE = """
[[stage]]
day = 3
isps = ["one"]
clear = true
keep = 2
path = [{ address = "103.9.1.1", ms = 0.5 }]
[[stage.box]]
kind = "sni-reset"
hop = 4
domains = ["forbidden.org"]
"""
OUTAGE = """
[[stage]]
day = 2
until = 4
isps = ["two"]
offline = true
"""
DETOUR = """
[[stage]]
day = 2
isps = ["two"]
[[stage.route]]
name = "another carrier"
prefixes = ["default"]
path = [{ address = "62.2.0.254", ms = 7.0 }]
server_ms = 8.0
"""
CALENDAR = """
[rehearsal]
began = "2027-03-01"
days = 4
targets = ["https://forbidden.org/"]
[[rehearsal.volunteer]]
isp = "one"
"""


def country(folder: Path, *more: str) -> Scenario:
    file = folder / "staged.toml"
    file.write_text("".join((COUNTRY, *more)))
    return load(str(file))


def test_a_stage_holds_from_its_day_on_and_up_to_its_last(tmp_path: Path) -> None:
    found = country(tmp_path, GATE, OUTAGE)
    assert [found.on(day).isp("two").offline for day in (1, 2, 3, 4)] == [False, True, True, False]
    before, after = found.on(2).isp("one"), found.on(3).isp("one")
    assert [box.kind for box in before.boxes] == ["sni-drop"]
    assert [box.kind for box in after.boxes] == ["sni-reset"]
    assert [hop.address for hop in after.path] == ["36.1.0.1", "36.1.1.1", "103.9.1.1"]
    # Delays count from the last router that is kept.
    assert after.path[-1].ms == 2.5
    assert found.on(3).isp("two").path == found.isp("two").path
    # Days on which the same stages hold are one country, and the stages are laid once.
    assert found.on(1) is found.on(1) and found.on(5) is found.on(400) and not found.on(3).stages


def test_a_route_of_a_stage_comes_first_and_for_its_isps(tmp_path: Path) -> None:
    found = country(tmp_path, DETOUR)
    ways = {
        (day, isp): found.on(day).route_for(found.on(day).isp(isp), "9.9.9.9").hops[-1].address
        for day in (1, 2)
        for isp in ("one", "two")
    }
    assert ways == {
        (1, "one"): "62.1.0.254",
        (1, "two"): "62.1.0.254",
        (2, "one"): "62.1.0.254",
        (2, "two"): "62.2.0.254",
    }


def test_a_day_can_be_named_where_a_scenario_is(tmp_path: Path) -> None:
    country(tmp_path, GATE)
    file = str(tmp_path / "staged.toml")
    assert [box.kind for box in load(f"{file}@3").isp("one").boxes] == ["sni-reset"]
    assert load("nig-switchover@18").isp("myna").boxes[0].kind == "dns-drop"
    assert load("nig-switchover@19").isp("myna").boxes[0].kind == "sni-reset"
    with pytest.raises(ScenarioError, match="the first day is 1"):
        load(f"{file}@0")
    # Without stages, every day is the same.
    assert load("small@7") is load("small")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (GATE.replace("day = 3", "day = 0"), r"stage\[0\]\.day: 0: the first day is 1"),
        (OUTAGE.replace("until = 4", "until = 2"), r"stage\[0\]\.until: 2 is not after day 2"),
        (
            GATE.replace('isps = ["one"]', 'isps = ["won"]'),
            r"stage\[0\]\.isps\[0\]: 'won' is none of one, two",
        ),
        (GATE.replace("keep = 2", "keep = 1"), r"stage\[0\]\.keep: 1 is not between 2 and the 3 hops of one"),
        (
            GATE.replace("hop = 4", "hop = 9"),
            r"on day 3: isp\[0\]\.box\[0\]\.hop: 9 is past the path's 4 hops",
        ),
        (GATE.replace("sni-reset", "sni-rest"), r"on day 3: isp\[0\]\.box\[0\]\.kind: 'sni-rest' is none"),
        ("[[stage]]\nday = 2\nkeep = 2\n", r"stage\[0\]\.keep: needs a path"),
        ("[[stage]]\nday = 2\n", r"stage\[0\]: changes nothing"),
        ("[[stage]]\nday = 2\noffline = 1\n", r"stage\[0\]\.offline: expected true/false"),
        (GATE + 'isps = ["two"]\n', r"stage\[0\]\.box\[0\]\.isps\[0\]: 'two' is no ISP of this stage"),
        (CALENDAR.replace("2027-03-01", "2027-02-30"), r"rehearsal\.began: "),
        (CALENDAR.replace('isp = "one"', 'isp = "won"'), r"rehearsal\.volunteer\[0\]\.isp: 'won' is none"),
        (CALENDAR + "first = 3\nlast = 2\n", r"rehearsal\.volunteer\[0\]\.last: 2 is before day 3"),
        (CALENDAR + "last = 5\n", r"rehearsal\.volunteer\[0\]\.last: 5 is not among the 4 days"),
        (CALENDAR.replace("days = 4", "days = 4\nfailing = 1.0"), r"rehearsal\.failing: 1\.0 is not a share"),
        (CALENDAR.replace("days = 4", 'days = 4\nevery = "1m"'), r"rehearsal\.every: '1m' is none of 24h"),
        (CALENDAR.replace("https:", "gopher:"), r"rehearsal\.targets\[0\]: .* is no http or https URL"),
        (GATE.replace("day = 3", "day = 5") + CALENDAR, r"stage\[0\]\.day: 5 is not among the 4 days"),
        (
            CALENDAR + '[[rehearsal.event]]\nid = "x"\nday = 1\ntext = "t"\nexpects = "much"\n',
            r"rehearsal\.event\[0\]\.expects: 'much' is none",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, wrong: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=r"^staged\.toml: " + message):
        country(tmp_path, wrong)


def test_the_packaged_calendar_fits_its_stages() -> None:
    found = load("nig-switchover")
    rehearsal = found.rehearsal
    assert rehearsal and len(found.isps) == 12 and rehearsal.days == 30
    assert {one.isp for one in rehearsal.volunteers} == {isp.id for isp in found.isps}
    assert (rehearsal.date(1), rehearsal.date(15)) == (date(2027, 3, 1), date(2027, 3, 15))


def test_nothing_passes_a_line_that_is_offline_or_dead(tmp_path: Path) -> None:
    found = country(tmp_path, OUTAGE)

    async def asked(scenario: Scenario, isp: str, dies: float) -> list[bool]:
        """Ask a resolver abroad at 0 and at 10 seconds: does it answer?"""
        answers = []
        async with memory.attached(scenario, isp, dies=dies):
            for _ in range(2):
                with trio.move_on_after(4) as scope:
                    await lookup.udp(Journal(), "9.9.9.9", "example.com", window=0.0)
                answers.append(not scope.cancelled_caught)
                await trio.sleep_until(10)
        return answers

    def heard(scenario: Scenario, isp: str, dies: float = float("inf")) -> list[bool]:
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(asked, scenario, isp, dies, clock=clock)

    assert heard(found.on(1), "two") == [True, True]
    assert heard(found.on(2), "two") == [False, False]
    assert heard(found.on(2), "one") == [True, True]
    assert heard(found.on(1), "two", dies=5.0) == [True, False]


def test_a_session_is_dated_by_the_clock_on_its_wall(tmp_path: Path) -> None:
    began = datetime(2027, 3, 15, 23, 59, 58, tzinfo=UTC)
    around, _ = in_memory("small", "clear", began=began)
    made = session(tmp_path, lasting(1))
    outcome = conduct(replace(made, surroundings=around), Log())
    assert outcome.folder is not None and outcome.folder.name.startswith("20270315T235958Z-")
    about = run_json(outcome.folder)
    assert about["started"] == "2027-03-15 23:59:58" and about["ended"] == "2027-03-15 23:59:59"
    times = [json.loads(line)["measurement_start_time"] for line in read(outcome.folder)]
    assert len(times) == 5 and set(times) == {"2027-03-15 23:59:58"}
