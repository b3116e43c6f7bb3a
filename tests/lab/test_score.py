"""The score: counts, mistakes and the table people read."""

from __future__ import annotations

import json

from gatewatch.lab.country.scenario import load
from gatewatch.lab.scoring.score import Cell, score

ROWS = [
    ("blocked", "https://lied.com/", "blocked(dns.bogon)"),
    ("blocked", "https://reset.com/", "blocked(tls.reset)"),
    ("blocked", "https://reset.com/again", "ok"),
    ("blocked", "https://dropped.com/", "inconclusive(no_control)"),
    ("clear", "https://reset.com/", "blocked(tls.reset)"),
    ("clear", "https://dead.com/", "down"),
    ("clear", "https://fine.com/", "ok"),
    ("clear", "https://fine.org/", "ok"),
]


def test_counts() -> None:
    result = score(load("small"), ROWS)
    assert (result.total, result.right) == (8, 5)
    assert (result.false_alarms, result.missed, result.abstained) == (1, 2, 1)
    assert result.cells[0] == Cell("ok", "ok", 2)
    assert sum(cell.count for cell in result.cells) == 8
    assert not result.perfect
    assert score(load("small"), ROWS[:2]).perfect
    assert not score(load("small"), []).perfect


def test_a_wrong_method_is_a_mistake_but_no_false_alarm() -> None:
    result = score(load("small"), [("blocked", "https://reset.com/", "blocked(tls.timeout)")])
    assert (result.right, result.false_alarms, result.missed) == (0, 0, 0)
    assert result.mistakes[0].reason == "sni-reset at hop 4 acts on reset.com"


def test_the_table_shows_every_pair_and_names_the_mistakes() -> None:
    table = score(load("small"), ROWS).format_table(mistakes=1).splitlines()
    assert table[0].split() == ["truth", "verdict", "count"]
    assert "x blocked(tls.reset)    ok                            1" in table
    assert "5 of 8 right (62.50%); 1 false alarms, 2 missed, 1 inconclusive" in table
    assert table[-2].startswith(
        "  blocked https://reset.com/again: ok, but blocked(tls.reset) (sni-reset at hop 4"
    )
    assert table[-1] == "  ... and 2 more"
    assert score(load("small"), []).format_table().splitlines()[-1].startswith("0 of 0 right;")


def test_json_is_plain() -> None:
    value = json.loads(json.dumps(score(load("small"), ROWS).to_json()))
    assert value["total"] == 8
    assert {"truth": "ok", "verdict": "ok", "count": 2} in value["cells"]
    assert value["mistakes"][0]["url"] == "https://reset.com/again"
