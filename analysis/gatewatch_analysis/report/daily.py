"""What is told of blocking from day to day: domains by ISP, when it began and ended, tests that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gatewatch_analysis.blocking import (
    by_country,
    by_day,
    by_domain,
    by_isp,
    changes,
    common_changes,
    consistency,
    matrix,
)
from gatewatch_analysis.report.findings import isp_name
from gatewatch_analysis.report.overview import rows
from gatewatch_analysis.report.text import country_of, part, percent, told, whole


@dataclass(frozen=True, slots=True)
class Daily:
    """Every table about blocking over time (:mod:`gatewatch_analysis.tables.days`)."""

    isps: pd.DataFrame
    days: pd.DataFrame
    domains: pd.DataFrame
    countries: pd.DataFrame
    changes: pd.DataFrame
    common: pd.DataFrame
    consistency: pd.DataFrame


def analyse(measurements: pd.DataFrame) -> Daily:
    """Compute the tables from the measurements."""
    days = by_day(measurements)
    return Daily(
        by_isp(matrix(measurements)),
        days,
        by_domain(days),
        by_country(days),
        changes(days),
        common_changes(days),
        consistency(measurements),
    )


def to_json(found: Daily) -> dict[str, Any]:
    """Give one object with the rows of every table."""
    return {
        "by_isp": rows(found.isps),
        "by_domain": rows(found.domains),
        "by_country": rows(found.countries),
        "by_day": rows(found.days),
        "changes": rows(found.changes),
        "common_changes": rows(found.common),
        "consistency": rows(found.consistency),
    }


def to_text(found: Daily) -> str:
    """Write it for people."""
    return whole(
        [
            part("Blocking by ISP (targets)", _isps(found.isps), "No measurement was judged."),
            part("Domains that met interference, by ISP (days)", _domains(found.domains), "None."),
            part("Beginnings and ends, by ISP", _changes(found.changes), "No change stands out."),
            part("Begun or ended by several ISPs on one day", _common(found.common), "None."),
            part("Tests that do not say the same", _consistency(found.consistency), ""),
        ]
    )


def _days(*times: Any) -> tuple[str, ...]:
    return tuple("-" if pd.isna(time) else f"{time:%Y-%m-%d}" for time in times)


def _isps(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), isp_name(r), r["blocked"], r["decided"]),
            *(percent(r["share"]), percent(r["low"]), percent(r["high"]), r["measurements"]),
        )
        for _, r in frame.iterrows()
    ]
    return told(("country", "ISP", "blocked", "decided", "share", "95 % from", "to", "measurements"), shown)


def _domains(frame: pd.DataFrame) -> str:
    met = frame[frame["anomalies"] > 0].sort_values(
        ["country", "isp", "anomalies"], ascending=[True, True, False]
    )
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), isp_name(r), r["domain"], r["anomalies"], r["decided"], r["confirmed"]),
            *(percent(r["anomaly_low"]), percent(r["anomaly_high"]), r["method"], r["methods"]),
            *_days(r["blocked_from"], r["blocked_to"]),
        )
        for _, r in met.iterrows()
    ]
    heading = ("country", "ISP", "domain", "days", "of", "by a sign", "95 % from", "to", "mostly", "ways")
    return told((*heading, "first", "last"), shown)


def _changes(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), isp_name(r), r["domain"], r["change"], *_days(r["at"], r["low"], r["high"])),
            *(percent(r["share_before"]), percent(r["share_after"]), f"{r['p_value']:.3f}"),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "ISP", "domain", "blocking", "on", "95 % from", "to", "before", "after", "p")
    return told(heading, shown)


def _common(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), r["domain"], *_days(r["at"], r["low"], r["high"])),
            *(r["changed"], r["isps"], r["names"]),
        )
        for _, r in frame.iterrows()
    ]
    return told(("country", "domain", "on", "95 % from", "to", "ISPs", "of", "which"), shown)


def _consistency(frame: pd.DataFrame) -> str:
    differ = frame[frame["agree"] < frame["days"]]
    shown: list[tuple[Any, ...]] = [
        (country_of(r), isp_name(r), r["domain"], r["agree"], r["days"], r["blocked_by"], r["open_by"])
        for _, r in differ.iterrows()
    ]
    return told(("country", "ISP", "domain", "days alike", "of", "blocked by", "open by"), shown)
