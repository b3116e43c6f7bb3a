"""The page about verdicts is current and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatewatch.verdict import RULES, features_markdown, rules_markdown

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("mark", "table"), [("rules", rules_markdown()), ("features", features_markdown())])
def test_tables_are_current(mark: str, table: str) -> None:
    shown = PAGE.partition(f"<!-- {mark} -->\n")[2].partition(f"<!-- /{mark} -->")[0]
    assert shown == table


def test_every_word_that_a_rule_may_say_is_explained() -> None:
    words = PAGE.partition("## The words")[2].partition("## How a verdict is reached")[0]
    explained = set(re.findall(r"`([^`]+)`", words))
    said = {rule.method or rule.reason or rule.status for rule in RULES}
    assert said - explained == set()


def test_every_rule_has_its_source_and_its_evidence() -> None:
    for rule in RULES:
        assert rule.source, rule.id
        assert "{" in rule.evidence or rule.reason == "no_data", rule.id
        assert 0 < rule.confidence <= 1, rule.id
