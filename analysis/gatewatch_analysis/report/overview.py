"""The report of a dataset: tables and findings for people, and one JSON object for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import pandas as pd

from gatewatch_analysis.blocking import by_category, by_isp, by_layer, matrix
from gatewatch_analysis.gateway import Found, find
from gatewatch_analysis.gateway.border import border_by_isp
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Prefix, PrefixTable, Whereabouts, read_prefixes
from gatewatch_analysis.report import overtime
from gatewatch_analysis.report.findings import Finding, findings, isp_name, of_vantage
from gatewatch_analysis.report.overtime import OverTime, over_time
from gatewatch_analysis.report.text import percent, table
from gatewatch_analysis.tables import Problems
from gatewatch_targets.text import printable

# A screenful; the JSON has them all.
_ROWS = 40
# Letters of one finding.
_LONGEST = 4000

# Names the ISP of a row.
_Name = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Analysis:
    """Every table of a dataset (:mod:`gatewatch_analysis.tables`), and what they say."""

    dataset: Dataset
    verdicts: pd.DataFrame
    by_isp: pd.DataFrame
    by_layer: pd.DataFrame
    by_category: pd.DataFrame
    borders: pd.DataFrame
    border_by_isp: pd.DataFrame
    problems: pd.DataFrame
    gateway: Found
    over_time: OverTime
    findings: tuple[Finding, ...]


def analyse(
    dataset: Dataset,
    prefixes: Iterable[Path] = (),
    otherwise: Callable[[], Whereabouts | None] = lambda: None,
) -> Analysis:
    """Compute every table and the findings.

    ``prefixes`` are prefix tables to use in place of those in the run folders; where there are none of
    either, ``otherwise`` is asked for one.  Their bad rows join the problems.  Raises OSError when one cannot
    be read.
    """
    table, bad = whereabouts(dataset, prefixes, otherwise)
    verdicts = matrix(dataset.measurements)
    gate = find(dataset, table)
    links = gate.pieces.borders
    changed = over_time(dataset, table)
    return Analysis(
        dataset,
        verdicts,
        by_isp(verdicts),
        by_layer(verdicts),
        by_category(verdicts),
        links,
        border_by_isp(links),
        pd.concat([dataset.problems, bad], ignore_index=True),
        gate,
        changed,
        (*findings(verdicts, gate), *overtime.findings(changed, dataset)),
    )


class Placed(Protocol):
    """What has prefix tables beside it."""

    @property
    def prefixes(self) -> tuple[Path, ...]:
        """Their files."""


def whereabouts(
    dataset: Placed, prefixes: Iterable[Path], otherwise: Callable[[], Whereabouts | None]
) -> tuple[Whereabouts, pd.DataFrame]:
    """Give the prefix tables to use, and their bad rows as ``Problems``."""
    found: list[Prefix] = []
    bad: list[tuple[str, int, str, bool]] = []
    for path in list(prefixes) or dataset.prefixes:
        found += read_prefixes(path, lambda file, line, why: bad.append((str(file), line, why, False)))
    table = PrefixTable(found) if found else otherwise() or PrefixTable(())
    return table, Problems.frame(bad)


def to_json(analysis: Analysis) -> dict[str, Any]:
    """Give one object: ``verdicts`` (a row per ISP and target), ``findings``, and the other tables' rows."""
    dataset = analysis.dataset
    return {
        "measurements": len(dataset.measurements),
        "runs": sorted(dataset.measurements["run"].unique()),
        "verdicts": rows(analysis.verdicts),
        "by_isp": rows(analysis.by_isp),
        "by_layer": rows(analysis.by_layer),
        "by_category": rows(analysis.by_category),
        "borders": rows(analysis.borders),
        "border_by_isp": rows(analysis.border_by_isp),
        "switches": rows(analysis.over_time.switched.switches),
        "passes": rows(analysis.over_time.switched.passes),
        "passed_days": rows(analysis.over_time.switched.days),
        "outages": rows(analysis.over_time.outages),
        "findings": [finding.as_json() for finding in analysis.findings],
        "problems": rows(analysis.problems),
    }


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a frame's rows for JSON: numbers as numbers, times as ISO 8601, missing values as None."""
    times = frame.select_dtypes("datetimetz").columns
    said = frame.assign(**{name: frame[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in times})
    plain = said.astype(object)
    return cast("list[dict[str, Any]]", plain.where(frame.notna(), None).to_dict("records"))


def to_text(analysis: Analysis) -> str:
    """Write the report for people: findings first, then the tables that bear them out."""
    name = _namer(analysis)
    parts = [
        _section("Findings", "\n".join(f"  {printable(_said(f))}" for f in analysis.findings)),
        _section("Blocking by ISP (targets)", _by_isp(analysis.by_isp, name)),
        _section("Blocking by layer and method", _by_layer(analysis.by_layer, name)),
        _section("Blocking by category", _by_category(analysis.by_category, name)),
        _section("Targets that are not simply ok, by ISP", _matrix(analysis.verdicts, name)),
        _section("Last domestic and first foreign hop by ISP", _borders(analysis, name)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(finding: Finding) -> str:
    """Give the text; those of an ISP name it themselves."""
    text = finding.text if finding.statement.startswith("isp.") else f"{finding.subject}: {finding.text}"
    # A network may be called anything, at any length.
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _namer(analysis: Analysis) -> _Name:
    """Name ISPs, with their country, and the lab, where there are several of them."""
    both = pd.concat([analysis.verdicts, analysis.borders])[["country", "lab"]].drop_duplicates()

    def name(keys: Any) -> str:
        where = f"{keys['country']}{' lab' if keys['lab'] else ''} " if len(both) > 1 else ""
        return f"{where}{isp_name(keys)}"

    return name


def _section(title: str, body: str) -> str:
    return f"{title}\n{body}" if body else ""


def _by_isp(frame: pd.DataFrame, name: _Name) -> str:
    counts = ("measured", "ok", "blocked", "tampered", "down", "server_side", "inconclusive")
    heading = ("ISP", *counts, "share", "95 % from", "to")
    return _table(
        heading,
        [
            (name(row), *(row[c] for c in counts), *(percent(row[c]) for c in ("share", "low", "high")))
            for _, row in frame.iterrows()
        ],
    )


def _by_layer(frame: pd.DataFrame, name: _Name) -> str:
    return _table(
        ("ISP", "layer", "method", "targets", "share"),
        [
            (name(row), row["layer"], row["method"], row["targets"], percent(row["share"]))
            for _, row in frame.iterrows()
        ],
    )


def _by_category(frame: pd.DataFrame, name: _Name) -> str:
    """Put the ISPs side by side: blocked of decided in each category."""
    cells = {
        (str(row["category"]), name(row)): f"{row['blocked']}/{row['decided']}" for _, row in frame.iterrows()
    }
    return _side_by_side("category", cells)


def _matrix(frame: pd.DataFrame, name: _Name) -> str:
    """Put the ISPs side by side: the label of every target that is not ok somewhere."""
    blocked = (frame["status"] == "blocked").groupby(frame["input"]).sum()
    odd = set(frame.loc[frame["status"] != "ok", "input"])
    # Those that most ISPs block, if there is not room for all.
    first = sorted(odd, key=lambda target: (-blocked[target], target))[:_ROWS]
    shown = frame[frame["input"].isin(first)]
    cells = {
        (str(row["input"]), name(row)): "dead" if row["dead"] else str(row["label"])
        for _, row in shown.iterrows()
    }
    text = _side_by_side("target", cells)
    more = len(odd) - _ROWS
    return f"{text}\n  and {more} more: --json lists them all" if more > 0 else text


def _side_by_side(corner: str, cells: dict[tuple[str, str], str]) -> str:
    isps = sorted({isp for _, isp in cells})
    rows = sorted({row for row, _ in cells})
    return _table((corner, *isps), [(row, *(cells.get((row, isp)) for isp in isps)) for row in rows])


def _borders(analysis: Analysis, name: _Name) -> str:
    rows: list[tuple[Any, ...]] = []
    for _, row in analysis.border_by_isp.iterrows():
        if not row["found"]:
            states = of_vantage(analysis.borders, row)["state"]
            rows.append(
                (name(row), f"none: {states.mode().iloc[0]}", None, None, None, None, 0, row["paths"])
            )
            continue
        ends = [
            f"{row[f'{side}_address']} AS{row[f'{side}_asn']} {row[f'{side}_name']}"
            for side in ("domestic", "foreign")
        ]
        rows.append(
            (
                name(row),
                ends[0],
                row["domestic_rtt_ms"],
                row["gap"],
                ends[1],
                row["foreign_rtt_ms"],
                row["support"],
                row["paths"],
            )
        )
    heading = ("ISP", "last domestic hop", "ms", "unknown between", "first foreign hop", "ms", "paths", "of")
    return _table(heading, rows)


def _table(heading: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    return table(heading, rows) if rows else ""
