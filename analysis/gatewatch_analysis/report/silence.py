"""What is told of outages and shutdowns: when, of how many networks, and what proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gatewatch_analysis.report.findings import isp_name
from gatewatch_analysis.report.overview import rows
from gatewatch_analysis.report.text import percent, table
from gatewatch_analysis.shutdown import outages, shutdowns, stops

# A screenful of each; the JSON has them all.
_ROWS = 40
_READ = {
    "some lines": "some lines only",
    "one ISP": "an outage of one ISP",
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
    parts = [
        _part("Networks that did not answer", _failures(failures), "None stands out."),
        _part("Measurements that stopped on several ISPs at once; this proves nothing", _stopped(stopped)),
        _part("Outages by ISP", _outages(found.outages)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _part(title: str, body: str, otherwise: str = "") -> str:
    text = body or (f"  {otherwise}" if otherwise else "")
    return f"{title}\n{text}" if text else ""


def _told(heading: tuple[str, ...], shown: list[tuple[Any, ...]]) -> str:
    if not shown:
        return ""
    text = table(heading, shown[:_ROWS])
    more = len(shown) - _ROWS
    return f"{text}\n  and {more} more: --json lists them all" if more > 0 else text


def _country(row: Any) -> str:
    return f"{row['country']} lab" if row["lab"] else str(row["country"])


def _time(time: Any, missing: str) -> str:
    return missing if pd.isna(time) else f"{time:%Y-%m-%d %H:%M}"


def _failures(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(_country(r), _time(r["start"], "-"), _time(r["end"], "goes on"), _READ[str(r["scope"])]),
            *(r["out"], r["isps"], r["stopped"], r["reach"], percent(r["share_low"]), r["names"]),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "from (UTC)", "to", "what", "ISPs", "of", "not heard", "unreachable", "at least")
    return _told((*heading, "which"), shown)


def _stopped(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(_country(r), _time(r["start"], "-"), _time(r["end"], "goes on")),
            *(r["stopped"], r["isps"], r["answered"], r["names"]),
        )
        for _, r in frame.iterrows()
    ]
    return _told(("country", "from (UTC)", "to", "ISPs", "of", "still heard", "which"), shown)


def _outages(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(_country(r), isp_name(r), r["scope"], _time(r["after"], "-"), _time(r["start"], "-")),
            *(_time(r["end"], "-"), _time(r["before"], "-"), r["silent"], r["visits"], r["reach"]),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "ISP", "of", "answered until", "silent from", "silent to", "answered from")
    return _told((*heading, "visits", "of", "unreachable"), shown)
