"""The acceptance scenarios: each as its file has it, on lossy lines with many seeds, and in combinations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from gatewatch.lab.scoring import combine, examine
from gatewatch.lab.scoring.examine import Case, Report

SEEDS, LOSS, JITTER = 20, 0.01, 20.0
# What --quick leaves of it, to end within 45 s on two cores.
_QUICK_SEEDS, _QUICK_STEP = 2, 23


def _timed(cases: Sequence[Case]) -> tuple[Report, float]:
    began = time.monotonic()
    return examine.examine(cases), time.monotonic() - began


def _said(report: Report) -> str:
    score = report.score
    return f"{score.right} of {score.total} right, {score.false_alarms} false alarms, {score.missed} missed"


def _wrong(report: Report) -> dict[str, str]:
    places = [f"{a.name} {a.isp} {a.probe} {a.variant or f'seed {a.seed}'}" for a in report.wrong]
    said = [f"{a.verdict} by {a.rule}, but {a.truth}" for a in report.wrong]
    return dict(zip(places, said, strict=True))


def run(quick: bool) -> dict[str, Any]:
    """Measure all scenarios, with 20 seeds of 1 % loss and 20 ms jitter, and every combination."""
    names = examine.every()
    plain, plain_s = _timed(examine.plain(names))
    seeds = range(1, 1 + (_QUICK_SEEDS if quick else SEEDS))
    lossy, lossy_s = _timed(examine.plain(names, seeds=seeds, loss=LOSS, jitter=JITTER))
    every = combine.combinations(names)
    varied, varied_s = _timed(every[:: _QUICK_STEP if quick else 1])
    sessions = len({(a.name, a.isp) for a in plain.answers})
    goals = [
        {"name": f"{len(names)} scenarios, every probe", "value": _said(plain), "goal": "all right"}
        | {"met": plain.score.perfect},
        {"name": f"{len(seeds)} seeds with {LOSS:.0%} loss, {JITTER:.0f} ms jitter", "value": _said(lossy)}
        | {"goal": "no false alarm", "met": lossy.score.false_alarms == 0},
        {"name": f"{len(varied.answers)} combinations", "value": _said(varied), "goal": "all right"}
        | {"met": varied.score.perfect},
        {"name": "seconds a session", "value": round(plain_s / sessions, 3), "goal": "< 0.3"}
        | {"met": plain_s / sessions < 0.3},
    ]
    ooni = [a for a in plain.answers if a.probe == "web"]
    return {
        "goals": goals,
        "peer": {
            "OONI's words, from its own acceptance cases and by reading its rules": {
                "blocked": sum(a.ooni.partition("/")[0] not in ("false", "null") for a in ooni),
                "accessible": sum(a.ooni == "false/true" for a in ooni),
                "down": sum(a.ooni == "false/false" for a in ooni),
                "could not tell": sum(a.ooni == "null/null" for a in ooni),
            }
        },
        "detail": {
            "table": examine.table(plain).splitlines(),
            "confusion": plain.score.format_table(mistakes=0).splitlines(),
            "confusion in combinations": varied.score.format_table(mistakes=0).splitlines(),
            "combinations there are": len(every),
            "wrong with loss": _wrong(lossy),
            "wrong in combinations": _wrong(varied),
            "seconds": {"plain": round(plain_s, 1), "seeds": round(lossy_s, 1), "varied": round(varied_s, 1)},
        },
    }
