"""Conditions over one row and over columns say the same."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest
from tests.core.test_verdict_rules import FIRES

from gatewatch.verdict import RULES, Features, decisive, features, judge
from gatewatch.verdict.expr import F, first_of


def test_scalars() -> None:
    condition = (F("a") == "x") & ~F("b") | (F("n") >= 3)
    table = {
        (a, b, n): condition({"a": a, "b": b, "n": n})
        for a, b, n in itertools.product("xy", (True, False), (2, 3))
    }
    assert {row for row, holds in table.items() if holds} == {
        ("x", False, 2),
        ("x", False, 3),
        ("x", True, 3),
        ("y", True, 3),
        ("y", False, 3),
    }


def test_prints_as_it_reads() -> None:
    condition = F("up") & ~(F("kind").any_of("nxdomain", "timeout") | (F("n") < 3)) & (F("word") != "")
    assert str(condition) == "up and not (kind in (nxdomain, timeout) or n < 3) and word != ''"
    assert condition.names() == {"up", "kind", "n", "word"}


def test_written_as_python_it_means_the_same() -> None:
    rules = [F("a") & ~F("b"), F("a") | F("b"), ~(F("a") | F("b"))]
    first = first_of(rules)
    for a, b in itertools.product((True, False), repeat=2):
        row = {"a": a, "b": b}
        assert first(row) == next(i for i, rule in enumerate(rules) if rule(row))
    assert first_of([F("a")])({"a": False}) == -1


def test_and_or_not_are_refused() -> None:
    with pytest.raises(TypeError, match="join conditions with"):
        assert F("a") and F("b")
    with pytest.raises(TypeError, match="join conditions with"):
        assert 1 < F("n") < 3


def test_rules_read_only_features_that_exist() -> None:
    known = set(Features.__dataclass_fields__)
    assert {rule.id: rule.when.names() - known for rule in RULES if rule.when.names() - known} == {}


def columns() -> tuple[Any, list[Features], list[str]]:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: columns are not tried")
    measured = [m for _, m in FIRES.values()]
    rows = [features(m) for m in measured]
    frame = pandas.DataFrame([dataclasses.asdict(row) for row in rows])
    return frame, rows, [judge(m).rule for m in measured]


def test_conditions_over_columns() -> None:
    frame, rows, _ = columns()
    arrays = {name: frame[name].to_numpy() for name in frame}
    for rule in RULES:
        one_by_one = [rule.when(dataclasses.asdict(row)) for row in rows]
        assert list(rule.when(frame)) == one_by_one, rule.id
        assert list(rule.when(arrays)) == one_by_one, rule.id


def test_columns_are_judged_as_rows_are() -> None:
    frame, _, decided = columns()
    masks = decisive(frame)
    assert [[rule for rule, mask in masks.items() if mask[i]] for i in range(len(frame))] == [
        [r] for r in decided
    ]
