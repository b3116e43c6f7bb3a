"""Rules about throttling: only when the whole interval lies beyond what lines do by themselves."""

from __future__ import annotations

from gatewatch.verdict.evidence.pace import BEYOND_NOISE, EVEN, LEAST_PAIRS
from gatewatch.verdict.expr import Expr, F
from gatewatch.verdict.rule import Rule

_ENOUGH = F("pace_pairs") >= LEAST_PAIRS
_SLOWER = _ENOUGH & (F("pace_low") >= BEYOND_NOISE)
_WHAT = (
    "{host}: {pace_kbps} kbit/s for its name, {pace_neutral_kbps} for a neutral one from the same server "
    "({pace}): {pace_ratio} times slower, 99 % interval {pace_low} to {pace_high}, {pace_pairs} pairs"
)


def _unsaid(word: str, reason: str, when: Expr, evidence: str, source: str) -> Rule:
    return Rule(
        id=f"pace.{word}",
        layer="pace",
        status="inconclusive",
        reason=reason,
        when=when,
        evidence=evidence,
        confidence=0.9,
        source=source,
    )


PACE = (
    Rule(
        id="pace.throttled",
        layer="pace",
        # It is reached, and somebody touched it on its way.
        status="tampered",
        method="throttled",
        when=_SLOWER & F("pace_same"),
        evidence=_WHAT,
        confidence=0.9,
        source="paired transfers: Kakhki et al., IMC 2015; Li et al., SIGCOMM 2019; Xue et al., IMC 2021",
    ),
    Rule(
        id="pace.even",
        layer="pace",
        status="ok",
        when=_ENOUGH & (F("pace_high") <= EVEN),
        evidence=_WHAT,
        confidence=0.9,
        source="paired transfers: Kakhki et al., IMC 2015",
    ),
    _unsaid(
        "other_page",
        "other_page",
        _SLOWER,
        _WHAT + ", but under the two names different pages came",
        "a page that is made for each visitor comes slower than one that lies ready",
    ),
    _unsaid(
        "noisy",
        "noisy",
        _ENOUGH,
        _WHAT,
        "an interval that holds both even and throttled says neither",
    ),
    _unsaid(
        "failed",
        "transfer_failed",
        (F("pace_failed") > 0) & (F("pace_neutral_failed") == 0),
        "{host}: {pace_failed} transfers for its name failed altogether: the web test tells how",
        "what is cut off has no rate",
    ),
    _unsaid(
        "small",
        "too_small",
        F("pace_small") > 0,
        "{host}: what the server gave is too little to measure a rate by",
        "RFC 6928: the first ten segments come at once, whatever the rate",
    ),
    _unsaid(
        "few",
        "too_few",
        F("pace") != "not_looked",
        "{host}: {pace_pairs} pairs of transfers came about ({pace_failed} failed for its name, "
        "{pace_neutral_failed} for a neutral one)",
        "Student's interval of so few is too wide to say anything",
    ),
    _unsaid(
        "not_measured",
        "no_neutral",
        (F("test") == "throttle") & F("looked"),
        "{host}: no server would talk to us both under its name and under a neutral one",
        "without a neutral transfer from the same server there is nothing to compare with",
    ),
)
