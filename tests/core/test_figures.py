"""All benchmarks by one command: what is kept, what is printed, and the page that is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks import figures
from benchmarks.__main__ import NAMES
from benchmarks.beside import beside


def result(name: str, *goals: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"quick": True, "date": "2026-01-02", "commit": "abc1234", "seconds": 3.2}
    machine = {"cores": 2, "python": "3.11.7", "system": "Linux 6.1"}
    return {"benchmark": name, "goals": list(goals), "machine": machine, **about, **more}


def goal(met: bool = True, **more: Any) -> dict[str, Any]:
    return {"name": "GETs | a second", "value": 1500, "goal": "> 1000", "met": met, **more}


def test_a_ratio_is_the_median_of_rounds_and_has_their_spread() -> None:
    rounds = [(9.0, 10.0), (12.0, 10.0), (11.0, 10.0)]
    found = beside("bare", 11.0, 10.0, rounds=rounds)
    assert found["ratio"] == pytest.approx(1.1) and found["spread"] == pytest.approx([0.9, 1.2])
    assert beside("bare", 6.0, 3.0)["ratio"] == 2 and beside("bare", 6.0, 3.0)["spread"] is None
    assert beside("bare", 6.0, None)["ratio"] is None


def test_a_row_has_the_peer_the_ratio_and_the_spread() -> None:
    found = beside("bare trio", 1500, 1250, rounds=[(1500, 1250), (1400, 1400)])
    (row,) = figures.rows(result("fetch", goal(beside=found)))
    assert row == ("fetch", "GETs | a second", "1500", "bare trio: 1,250", "1.1", "1 to 1.2", "> 1000", "yes")
    (row,) = figures.rows(result("fetch", goal(met=False, beside=beside("dnsperf", 1500, None))))
    assert row[3:] == ("dnsperf: missing", "", "", "> 1000", "no")


def test_the_page_tells_what_is_met_what_failed_and_what_was_not_run() -> None:
    kept = {
        "fetch": result("fetch", goal(met=False)),
        "resolve": {**result("resolve"), "failed": "unbound is not installed"},
    }
    page = figures.page(kept, NAMES)
    assert "| fetch | GETs / a second | 1500 |  |  |  | > 1000 | no |" in page
    assert "| resolve | not measured: unbound is not installed |" in page
    assert "| fetch | GETs a second a core against bare trio" in page and "| abc1234 | quick | 3 |" in page
    assert "Not run yet: schedule, " in page and "2 cores, Python 3.11.7, Linux 6.1" in page


def test_what_fails_is_told_and_the_next_one_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "figures.json"
    kept.write_text(json.dumps({"fetch": result("fetch", goal())}))
    made = figures.every(["no_such_benchmark", "signs"], quick=True, kept=kept)
    told = capsys.readouterr().out
    assert "FAILED  no_such_benchmark: " in told and "invalid choice" in told
    assert "signs: a page of 64 KiB against" in told and "text by text, ms: " in told and "ratio" in told
    assert made["signs"]["goals"][0]["beside"]["ratio"] > 0
    # What was kept before stays, and the new ones lie beside it.
    assert set(figures.read(kept)) == {"fetch", "no_such_benchmark", "signs"}
    assert "detail" not in figures.read(kept)["signs"]


def test_the_page_is_made_of_what_is_kept() -> None:
    written, made = figures.PAGE.read_text(encoding="utf-8"), figures.page(figures.read(), NAMES)
    # A benchmark that is new has not been run yet, whether or not the page says so.
    tables = [text.partition("\nNot run yet")[0] for text in (written, made)]
    assert tables[0] == tables[1], "write it anew: python -m benchmarks.figures"
