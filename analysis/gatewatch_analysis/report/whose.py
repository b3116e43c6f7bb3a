"""What is told of cables: chances and shares with their bounds, the candidates, and what the words mean."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import pandas as pd
from rich.cells import cell_len

from gatewatch_analysis.cables import ATTRIBUTES, DEFINITION, Cables
from gatewatch_analysis.cables.shares import LEVEL
from gatewatch_analysis.report.findings import isp_name
from gatewatch_analysis.report.overview import rows
from gatewatch_analysis.report.text import table

# A screenful of each; the JSON has them all.
_ROWS = 40
# Candidates of a crossing that are told to people: those with a hundredth of the weight at the least.
_NAMED, _LEAST = 4, 0.01
_WIDE = 96
# Of floating point numbers: 0.29 * 100 is not quite 29.
_SLACK = 1e-6
_KEYS = ["country", "isp", "asn", "lab", "month", "domestic_address", "foreign_address", "far_address"]

#: How the numbers are to be read.
READING = f"""A chance is from its least to its most: what is not resolved (no list holds it, its owners are \
not told, nobody says where the far end stands) counts as not Chinese for the one and as Chinese for the \
other. A share is of the paths measured, not of traffic, and lies within its bounds in {LEVEL * 100:.0f} of \
100 cases even when all that is not resolved goes the wrong way; paths of one ISP to one country count as \
one draw, and in a country every ISP counts the same."""


def to_json(found: Cables) -> dict[str, Any]:
    """Give one object: what the words mean, the prior, and the rows of every table."""
    return {
        "definition": DEFINITION,
        "reading": READING,
        "prior": str(found.priors),
        "by_country": rows(found.by_country),
        "by_isp": rows(found.by_isp),
        "chinese": rows(found.chinese),
        "crossings": rows(found.crossings),
        "candidates": rows(found.candidates),
    }


def to_text(found: Cables) -> str:
    """Write it for people."""
    if found.crossings.empty:
        return "No path shows where it leaves the country.\n"
    several = found.crossings[["country", "lab"]].drop_duplicates()
    parts = [
        _part("Chinese, by country: chance", _chances(found.by_country, country=True)),
        _part("Chinese, by country: share of paths", _shares(found.by_country)),
        _part("Chinese, by ISP: chance", _chances(found.by_isp, country=len(several) > 1)),
        _part("Border links, and what may carry them", _crossings(found)),
        _wrapped(DEFINITION),
        _wrapped(READING),
        _wrapped(f"Prior odds, ours: {found.priors}."),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _part(title: str, body: str) -> str:
    return f"{title}\n{body}" if body else ""


def _span(low: float, high: float) -> str:
    """Write bounds in per cent, rounded outwards."""
    return f"{floor(low * 100 + _SLACK)} to {ceil(high * 100 - _SLACK)} %"


def _wide(frame: pd.DataFrame, keys: list[str], low: str, high: str) -> list[dict[str, Any]]:
    """Put the attributes side by side."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows(frame):
        own = found.setdefault(tuple(row[key] for key in keys), row)
        own[str(row["attribute"])] = _span(row[low], row[high])
    return list(found.values())


def _chances(frame: pd.DataFrame, *, country: bool) -> str:
    by_isp = "isp" in frame.columns
    keys = ["country", "lab", "month", *(["isp", "asn"] if by_isp else [])]
    shown = _wide(frame, keys, "p_min", "p_max")[:_ROWS]
    heading = [
        *(["country"] if country else []),
        *(["ISP"] if by_isp else ["ISPs"]),
        "month",
        "links",
        "paths",
    ]
    return table(
        (*heading, *ATTRIBUTES),
        [
            (
                *([_country(row)] if country else []),
                isp_name(row) if by_isp else row["isps"],
                row["month"] or "not told",
                row["crossings"],
                row["paths"],
                *(row[attribute] for attribute in ATTRIBUTES),
            )
            for row in shown
        ],
    )


def _shares(frame: pd.DataFrame) -> str:
    """Give the shares, where anything is known of one."""
    shown = _wide(frame, ["country", "lab", "month"], "low", "high")[:_ROWS]
    nothing = _span(0, 1)
    cells = [
        (
            _country(row),
            row["month"] or "not told",
            *("not known" if row[attribute] == nothing else row[attribute] for attribute in ATTRIBUTES),
        )
        for row in shown
    ]
    return table(("country", "month", *ATTRIBUTES), cells)


def _country(row: dict[str, Any]) -> str:
    return f"{row['country']}{' lab' if row['lab'] else ''}"


def _crossings(found: Cables) -> str:
    named: dict[tuple[Any, ...], list[str]] = {}
    for row in rows(found.candidates[found.candidates["weight"] >= _LEAST]):
        text = f"{row['candidate']} {row['weight'] * 100:.0f} %"
        named.setdefault(tuple(row[key] for key in _KEYS), []).append(text)
    cells = []
    for row in rows(found.crossings.head(_ROWS)):
        told = named.get(tuple(row[key] for key in _KEYS), [])
        cells.append(
            (
                isp_name(row),
                row["month"] or "not told",
                f"AS{row['domestic_asn']} to AS{row['foreign_asn']}",
                _place(row),
                row["far_rtt_ms"],
                ", ".join(told[:_NAMED]) + (f", {len(told) - _NAMED} more" if len(told) > _NAMED else ""),
            )
        )
    text = table(("ISP", "month", "networks", "far end", "ms", "candidates"), cells, widest=_WIDE)
    more = len(found.crossings) - _ROWS
    return f"{text}\n  and {more} more: --json lists them all" if more > 0 else text


def _place(row: dict[str, Any]) -> str:
    if pd.isna(row["far_country"]):
        return "not known"
    where = row["far_country"] if pd.isna(row["far_place"]) else f"{row['far_place']}, {row['far_country']}"
    return f"{where} ({row['far_source']}, {row['far_weight'] * 100:.0f} %)"


def _wrapped(text: str) -> str:
    lines, line = [], ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) > _WIDE:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])
