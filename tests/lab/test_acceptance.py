"""The acceptance scenarios: which there are, what each says, and that gatewatch says so of every one."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatewatch.cli import main
from gatewatch.lab.country.acceptance import Ooni
from gatewatch.lab.country.scenario import load
from gatewatch.lab.country.truth import truth
from gatewatch.lab.scoring import examine
from gatewatch.lab.scoring.trial import Trial, attempt
from gatewatch.runner.probes import available

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa/cases.json"
FOLDER = Path(examine.__file__).parents[1] / "scenarios" / "acceptance"
NAMES = examine.every()
PLACES = [(name, isp.id) for name in NAMES for isp in examine.accepted(name)[0].isps]


def sources() -> dict[str, str]:
    return {name: examine.accepted(name)[0].source for name in NAMES}


def test_there_are_ooni_s_35_cases_and_the_17_that_its_suite_lacks() -> None:
    found = Counter(sources().values())
    cases = [s for s in found if s.startswith("OONI QA ")]
    letters = [s[5] for s in found if re.fullmatch(r"case [A-Q], which OONI's suite lacks", s)]
    assert len(cases) == 35 and {found[s] for s in cases} == {1}
    assert "".join(sorted(letters)) == "ABCDEFGHIJKLMNOPQ"
    # Whatever else somebody adds is welcome, and measured like these.
    assert len(NAMES) >= len(cases) + len(letters) == 52


def test_ooni_s_column_is_ooni_s() -> None:
    if not SHARED.is_file():
        pytest.skip(f"OONI's acceptance cases are not present: {SHARED}")
    cases = {case["name"]: case for case in json.loads(SHARED.read_bytes())}
    seen = 0
    for name, source in sources().items():
        if source.startswith("OONI QA "):
            case = cases.pop(source.removeprefix("OONI QA "))
            table = examine.accepted(name)[1]
            expect = case["expect"]
            assert table.ooni == Ooni(expect["blocking"], expect["accessible"]), name
            assert table.input == case["input"], name
            seen += 1
    assert (seen, cases) == (35, {})


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_short_and_says_why(name: str) -> None:
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    scenario, table = examine.accepted(name)
    assert text.startswith("# ") and scenario.name == name and table.why and scenario.title
    assert len(text.splitlines()) <= (130 if len(scenario.isps) > 1 else 40)


@pytest.mark.parametrize(("name", "isp"), PLACES)
def test_the_truth_follows_from_the_scenario_s_text(name: str, isp: str) -> None:
    scenario, table = examine.accepted(name)
    assert truth(scenario, isp, table.input).label == table.gatewatch["web"]


@pytest.mark.parametrize(("name", "isp"), PLACES)
def test_gatewatch_says_so(name: str, isp: str) -> None:
    table = examine.accepted(name)[1]
    truths = table.truths(isp)
    known = tuple(probe for probe in truths if probe in available())
    given = attempt(Trial(f"acceptance/{name}", isp, table.input, known))
    assert {g.probe: g.label for g in given} == {probe: truths[probe] for probe in known}


def test_every_layer_is_in_it() -> None:
    labels = Counter(label for name in NAMES for label in examine.accepted(name)[1].gatewatch.values())
    layers = {label.partition("(")[2].partition(".")[0].rstrip(")") for label in labels if "(" in label}
    assert {"dns", "tcp", "tls", "http", "quic", "throttled"} <= layers
    assert labels["ok"] >= 10 and labels["down"] >= 5


def test_the_places_of_boxes_are_in_the_truth_where_they_matter() -> None:
    for name in ("injector-by-hop", "injector-copies-ttl", "dropper-by-absence", "one-gateway-or-many"):
        scenario, table = examine.accepted(name)
        for isp in scenario.isps:
            (locus,) = [found for found in table.locus if found.isp in ("", isp.id)]
            assert [box.hop for box in isp.boxes] == [locus.hop], (name, isp.id)


def test_a_probe_that_is_missing_is_wrong_and_not_skipped() -> None:
    (said,) = attempt(Trial("acceptance/free-http", "garr", "http://www.example.com/", ("levitate",)))
    assert said.label == "no such probe"


def test_the_score_counts_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = examine.plain(["free-http", "dns-bogon"])
    report = examine.examine(cases, jobs=1)
    assert report.score.perfect and report.wrong == ()
    assert "free-http" in examine.table(report) and "dns/false" in examine.table(report)
    wrong = [cases[0]._replace(truths={"web": "blocked(tls.reset)"}), cases[1]]
    report = examine.examine(wrong, jobs=1)
    assert (report.score.right, report.score.missed, report.score.total) == (1, 1, 2)
    assert [answer.name for answer in report.wrong] == ["free-http"]


def test_the_command_prints_the_table_and_its_exit_code_tells() -> None:
    done = CliRunner().invoke(main, ["lab", "score", "free-http", "dns-nxdomain", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert "blocked(dns.nxdomain)" in done.output and "2 of 2 right" in done.output
    done = CliRunner().invoke(main, ["lab", "score", "free-http", "--jobs", "1", "--json"])
    answers = json.loads(done.output)["answers"]
    assert [(a["verdict"], a["ooni"], a["truth"]) for a in answers] == [("ok", "false/true", "ok")]
    assert CliRunner().invoke(main, ["lab", "score", "no-such"]).exit_code == 2
    assert CliRunner().invoke(main, ["lab", "score", "small"]).exit_code == 2


def test_loading_by_short_name_or_folder() -> None:
    assert load("acceptance/free-http").name == "free-http"
    assert examine.accepted("free-http")[0].name == "free-http"


def test_the_page_shows_them_all() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "acceptance.md"
    shown = page.read_text("utf-8").partition("<!-- acceptance -->\n")[2].partition("<!-- /acceptance -->")[0]
    assert shown == examine.markdown()
