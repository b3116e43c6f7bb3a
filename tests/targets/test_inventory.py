from __future__ import annotations

import csv
import importlib
import io
import json
from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path
from typing import BinaryIO

import pytest
from click.testing import CliRunner

import gatewatch_targets.reference as reference
from gatewatch.cli import COMMANDS, main
from gatewatch_targets import BUILTIN, DataError, load
from gatewatch_targets.inventory import Answer, inventory

FACTS = Path(__file__).resolve().parents[2] / "../shared/data/facts/inventory.csv"
HEADER = "id,country,kind,name,section,measurable,answered_by,why\n"


def exists(answer: Answer) -> bool:
    """Whether there is such a thing in this house, looked up as its users would."""
    if answer.means == "probe":
        return answer.name in entry_points(group="gatewatch.probes").names
    if answer.means == "command":
        return answer.name in COMMANDS
    if answer.means == "list":
        return answer.name in BUILTIN and bool(load(answer.name))
    module, _, function = answer.name.rpartition(".")
    return callable(getattr(importlib.import_module(f"gatewatch_analysis.{module}"), function, None))


def test_every_row_of_the_report_is_there() -> None:
    assert Counter(item.measurable for item in inventory()) == {"yes": 39, "partly": 47, "no": 60}
    by_country = Counter(item.country for item in inventory())
    assert by_country == {"KH": 38, "MY": 30, "NP": 23, "TH": 32, "XX": 23}


def test_no_measurable_row_is_an_orphan() -> None:
    pytest.importorskip("pandas", reason="the analyses need the extra [analysis]")
    for item in inventory():
        missing = [str(answer) for answer in item.answered_by if not exists(answer)]
        assert not missing, f"{item.id} is answered by what does not exist: {missing}"
        measures = [answer for answer in item.answered_by if answer.means != "list"]
        assert bool(measures) == (item.measurable != "no"), item.id


def test_a_name_that_does_not_exist_is_noticed() -> None:
    pytest.importorskip("pandas", reason="the analyses need the extra [analysis]")
    assert exists(Answer("probe", "web")) and exists(Answer("analysis", "gateway.border.borders"))
    assert not exists(Answer("probe", "telepathy"))
    assert not exists(Answer("analysis", "gateway.border.gone"))
    assert not exists(Answer("command", "foresee"))


@pytest.mark.skipif(not FACTS.exists(), reason="the collection of facts is not beside this tree")
def test_judgements_are_those_of_the_facts_and_the_words_are_ours() -> None:
    with FACTS.open(encoding="utf-8", newline="") as stream:
        facts = {row["id"]: row for row in csv.DictReader(stream)}
    assert list(facts) == [item.id for item in inventory()]
    for item in inventory():
        assert item.measurable == facts[item.id]["measurable"].lower(), item.id
        assert item.why not in (facts[item.id]["how_or_why"], facts[item.id]["paraphrase"]), item.id


def test_what_cannot_be_seen_stays_and_says_why() -> None:
    by_id = {item.id: item for item in inventory()}
    assert "radio" in by_id["KH-17"].why.lower() and by_id["KH-15"].measurable == "no"
    assert all(len(item.why) > 15 for item in inventory())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("KH-1,KH,law,n,s,no,,w", "id: 'KH-1' is not KH- and two digits"),
        ("MY-01,KH,law,n,s,no,,w", "id: 'MY-01' is not KH- and two digits"),
        ("KH-01,KHM,law,n,s,no,,w", "country: 'KHM' is not a two-letter country code"),
        ("KH-01,KH,lore,n,s,no,,w", "kind: 'lore' is not one of gateway, law"),
        ("KH-01,KH,law,,s,no,,w", "name: is missing"),
        ("KH-01,KH,law,n,,no,,w", "section: is missing"),
        ("KH-01,KH,law,n,s,maybe,,w", "measurable: 'maybe' is not one of yes, partly, no"),
        ("KH-01,KH,law,n,s,yes,,w", "answered_by: must be empty where, and only where"),
        ("KH-01,KH,law,n,s,no,probe:web,w", "answered_by: must be empty where, and only where"),
        ("KH-01,KH,law,n,s,yes,web,w", "answered_by: 'web' is not a name after one of probe"),
        ("KH-01,KH,law,n,s,yes,prove:web,w", "answered_by: 'prove:web' is not a name after one of probe"),
        ("KH-01,KH,law,n,s,yes,probe:../x,w", "answered_by: 'probe:../x' is not a name after one of probe"),
        ("KH-01,KH,law,n,s,yes,list:xx,w", "answered_by: 'xx' is not a built-in list"),
        ("KH-01,KH,law,n,s,yes,list:kh,w", "answered_by: names lists only"),
        ("KH-01,KH,law,n,s,no,,", "why: is missing"),
        ("KH-01,KH,law,n,s,no,,w\nKH-01,KH,law,n,s,no,,w", "id: 'KH-01' stands on line 2 already"),
    ],
)
def test_a_damaged_table_is_named(monkeypatch: pytest.MonkeyPatch, row: str, message: str) -> None:
    def open_data(file: str) -> BinaryIO:
        return io.BytesIO((HEADER + row + "\n").encode())

    monkeypatch.setattr(reference, "open_data", open_data)
    with pytest.raises(DataError) as caught:
        inventory.__wrapped__()
    assert str(caught.value).startswith("inventory.csv:") and message in str(caught.value)


def test_coverage_prints_counts_and_reasons() -> None:
    done = CliRunner().invoke(main, ["coverage", "--country", "kh"])
    assert done.exit_code == 0
    assert "names 38 things" in done.output and "probe:trace (" in done.output
    text = " ".join(done.output.split())
    assert all(item.why in text for item in inventory() if item.country == "KH")
    assert not [line for line in done.output.splitlines() if len(line) > 100]


def test_coverage_as_json_and_for_no_country() -> None:
    told = json.loads(CliRunner().invoke(main, ["coverage", "--json"]).output)
    assert told["counts"] == {"yes": 39, "partly": 47, "no": 60} and len(told["items"]) == 146
    assert told["items"][0]["answered_by"][0] == "probe:trace"
    done = CliRunner().invoke(main, ["coverage", "--country", "FR"])
    assert done.exit_code == 2 and "'FR' is not one of KH, MY, NP, TH, XX" in done.output
