"""The verdict on one measurement, with its evidence in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records import Measurement
from gatewatch.verdict.decide import decide, speaking
from gatewatch.verdict.features import Features, as_row
from gatewatch.verdict.reading import rows
from gatewatch.verdict.rule import Rule
from gatewatch.verdict.rules import RULES_VERSION

# Evidence is read by people on terminals and pages; a value from the wire is cut and made printable.
_VALUE = 80


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a measurement says.

    ``status``: ok, blocked, tampered, down, server_side, inconclusive.  ``layer``: dns, tcp, tls or http, for
    blocked and tampered; ``method``: what was done on it, such as nxdomain.  ``reason``: of inconclusive.
    ``rule``: id of the rule that decided.  ``evidence``: what it saw, in sentences.  ``confidence``: 0 to 1.
    ``also``: what was found on other layers, as layer.method.
    """

    status: str
    layer: str | None
    method: str | None
    reason: str | None
    rule: str
    evidence: tuple[str, ...]
    confidence: float
    also: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The verdict in one word, such as ``blocked(dns.nxdomain)`` or ``inconclusive(no_control)``."""
        if self.status in ("blocked", "tampered"):
            return (
                f"{self.status}({self.layer}.{self.method})"
                if self.method
                else f"{self.status}({self.layer})"
            )
        return f"inconclusive({self.reason})" if self.reason else self.status

    def to_json(self) -> dict[str, Any]:
        """Give what stands under ``x_gatewatch_verdict`` in a record."""
        return {
            "status": self.status,
            "layer": self.layer,
            "method": self.method,
            "reason": self.reason,
            "rule": self.rule,
            "evidence": list(self.evidence),
            "confidence": self.confidence,
            "also": list(self.also),
            "label": self.label,
            "rules_version": RULES_VERSION,
        }


def _verdict(row: Mapping[str, Any], speakers: list[Rule]) -> Verdict:
    rule = decide(speakers)
    layer, _, method = rule.method.partition(".")
    # Values are strings of the wire's: braces in them are not read again.
    said = (_say(rule, row), *(_say(other, row) for other in speakers if other.method and other is not rule))
    return Verdict(
        status=rule.status,
        layer=layer or None,
        method=method or None,
        reason=rule.reason or None,
        rule=rule.id,
        evidence=said,
        confidence=rule.confidence,
        also=tuple(other.method for other in speakers if other.method and other is not rule),
    )


def _say(rule: Rule, row: Mapping[str, Any]) -> str:
    return rule.evidence.format_map(_Plain(row))


class _Plain(dict[str, str]):
    """Features as they may be shown."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__()
        self._row = row

    def __missing__(self, name: str) -> str:
        value = self._row[name]
        if isinstance(value, float):
            return f"{value:.2f}"
        text = str(value)[:_VALUE]
        return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def judge_features(features: Features) -> Verdict:
    """Judge one hop by its features."""
    row = as_row(features)
    return _verdict(row, speaking(row))


def judge(m: Measurement) -> Verdict:
    """Judge a measurement: the first hop that is blocked decides, else the one where the way ended.

    Pure, and it never raises, whatever the record holds.
    """
    return _verdict(*_decisive_hop(m))


def ruling(m: Measurement) -> Rule:
    """Give the rule that decides, without evidence in words: what a table of many verdicts needs."""
    return decide(_decisive_hop(m)[1])


def _decisive_hop(m: Measurement) -> tuple[Mapping[str, Any], list[Rule]]:
    for row in rows(m):
        speakers = speaking(row)
        if decide(speakers).status == "blocked":
            break
    return row, speakers
