"""Nothing that a record holds may break a verdict, and nothing of it may steer a terminal."""

from __future__ import annotations

import copy
import random
from typing import Any

from tests.core.test_verdict_rules import FIRES, HTTP, plain
from tests.core.verdict_build import NOTICE, fetch

from gatewatch.records import Measurement, decode, encode
from gatewatch.verdict import Features, classic_keys, features, judge, judge_features

ODD: list[Any] = [
    *(None, True, False, 0, -1, 2**70, 1.5, float("inf"), [], [[]], [None], {}, {"": None}),
    *("", "depth=", "depth=²", "[", "http://[", "\x1b[2J", "10.0.0.1", "\ud800", "é" * 200, "AS", "NaN"),
    {"format": "base64", "data": "////"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def broken(raw: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    raw = copy.deepcopy(raw)
    for _ in range(chance.randint(1, 6)):
        *way, last = chance.choice(places(raw))
        target: Any = raw
        for key in way:
            target = target[key]
        if chance.random() < 0.2 and isinstance(target, dict):
            del target[last]
        else:
            target[last] = copy.deepcopy(chance.choice(ODD))
    return raw


def mutants(count: int) -> list[Measurement]:
    chance = random.Random(20261101)
    originals = [encode(m) for _, m in FIRES.values()]
    as_lists = [copy.deepcopy(_lists(raw)) for raw in originals]
    return [decode(Measurement, broken(chance.choice(as_lists), chance))[0] for _ in range(count)]


def _lists(value: Any) -> Any:
    """Give the plain JSON of an encoded record, whose sequences may be tuples."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value


def test_judge_never_raises() -> None:
    statuses = set()
    for m in mutants(3000):
        verdict = judge(m)
        statuses.add(verdict.status)
        assert verdict.evidence
        assert all(line.isprintable() for line in verdict.evidence)
        assert 0 < verdict.confidence <= 1
        assert judge_features(features(m)).label == verdict.label
        classic_keys(m, verdict)
    assert statuses == {"ok", "blocked", "tampered", "down", "server_side", "inconclusive"}


def test_features_are_scalars() -> None:
    for m in mutants(300):
        found = features(m)
        for name in Features.__dataclass_fields__:
            assert type(getattr(found, name)) in (str, bool, int, float), name


def test_evidence_shows_no_control_characters() -> None:
    m = plain(fetch(HTTP, "unknown_failure: \x1b]0;owned\x07\n"))
    (line,) = judge(m).evidence
    assert "\\x1b]0;owned\\x07\\n" in line


def test_braces_from_the_wire_are_not_read_as_features() -> None:
    m = plain(fetch(HTTP, "unknown_failure: {host} {0}"))
    assert "{host} {0}" in judge(m).evidence[0]


def test_verdict_in_a_record() -> None:
    other = "different"
    assert judge(plain(fetch(HTTP, body=NOTICE, headers={}))).to_json() == {
        "status": "blocked",
        "layer": "http",
        "method": "blockpage",
        "reason": None,
        "rule": "http.blockpage",
        "evidence": [
            f"www.example.org: a short notice (0.01 of the control's length), title {other}, headers {other}"
        ],
        "confidence": 0.85,
        "also": [],
        "label": "blocked(http.blockpage)",
        "rules_version": 3,
    }
