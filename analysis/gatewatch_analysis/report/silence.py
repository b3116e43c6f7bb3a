"""What is told of outages and shutdowns: when, of how many networks, and what proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gatewatch_analysis.report.findings import isp_name
from gatewatch_analysis.report.overview import rows
from gatewatch_analysis.report.text import country_of, part, percent, told, whole
from gatewatch_analysis.shutdown import outages, shutdowns, stops

_READ = {
    "some lines": "some lines only",
    "one ISP": "one ISP, or the lines of it that measured",
    "several ISPs": "several ISPs, while others answered",
    "every ISP heard": "every ISP that was heard of",
}


@dataclass(frozen=True, slots=True)
class Silence:
    """Every table about silence (:mod:`gatewatch_analysis.tables.shutdown`)."""

    attempts: int
    shutdowns: pd.DataFrame
    outages: pd.DataFrame
    stops: pd.DataFrame


def analyse(attempts: pd.DataFrame, *, hours: float = 1.0) -> Silence:
    """Compute the tables from attempts."""
    return Silence(
        len(attempts), shutdowns(attempts, hours=hours), outages(attempts, hours=hours), stops(attempts)
    )


def to_json(found: Silence) -> dict[str, Any]:
    """Give one object with the rows of every table."""
    return {
        "attempts": found.attempts,
        "shutdowns": rows(found.shutdowns),
        "outages": rows(found.outages),
        "stops": rows(found.stops),
    }


def to_text(found: Silence) -> str:
    """Write it for people."""
    failures = found.shutdowns[found.shutdowns["kind"] == "failures"]
    stopped = found.shutdowns[found.shutdowns["kind"] != "failures"]
    return whole(
        [
            part("Networks that did not answer", _failures(failures), "None stands out."),
            part("Measurements that stopped on several ISPs at once; this proves nothing", _stopped(stopped)),
            part("Outages by ISP", _outages(found.outages)),
        ]
    )


def _time(time: Any, missing: str) -> str:
    return missing if pd.isna(time) else f"{time:%Y-%m-%d %H:%M}"


def _failures(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), _time(r["start"], "-"), _time(r["end"], "goes on"), _READ[str(r["scope"])]),
            *(r["out"], r["isps"], r["stopped"], r["reach"], percent(r["share_low"]), r["names"]),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "from (UTC)", "to", "what", "ISPs", "of", "not heard", "unreachable", "at least")
    return told((*heading, "which"), shown)


def _stopped(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), _time(r["start"], "-"), _time(r["end"], "goes on")),
            *(r["stopped"], r["isps"], r["answered"], r["names"]),
        )
        for _, r in frame.iterrows()
    ]
    return told(("country", "from (UTC)", "to", "ISPs", "of", "still heard", "which"), shown)


def _outages(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), isp_name(r), r["scope"], _time(r["after"], "-"), _time(r["start"], "-")),
            *(_time(r["end"], "-"), _time(r["before"], "-"), r["silent"], r["visits"], r["reach"]),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "ISP", "of", "answered until", "silent from", "silent to", "answered from")
    return told((*heading, "visits", "of", "unreachable"), shown)
