"""What is told of a gate: the answer, the evidence table that it rests on, and what would decide it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway import CLASSES, TITLES, Found, Pieces, find
from gatewatch_analysis.gateway.isps import Country, of_country, plain
from gatewatch_analysis.gateway.told import said as answered
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.report.overview import rows, whereabouts
from gatewatch_analysis.report.text import percent, table
from gatewatch_targets.text import printable

# Steps that are worth reading.
_STEPS = 5
_COUNTRY = 48
_NAMES = {"not identifiable": "not id."}


def analyse(
    dataset: Dataset,
    prefixes: Iterable[Path] = (),
    otherwise: Callable[[], Whereabouts | None] = lambda: None,
) -> tuple[Found, pd.DataFrame]:
    """Weigh the evidence, and give bad rows of prefixes; arguments as for :func:`.overview.analyse`."""
    addresses, bad = whereabouts(dataset, prefixes, otherwise)
    return find(dataset, addresses), bad


def to_json(found: Found) -> dict[str, Any]:
    """Give one object: ``answers``, ``posterior``, ``weighed``, ``steps``, and every table of evidence."""
    answer = {name: rows(getattr(found, name)) for name in ("answers", "posterior", "weighed", "steps")}
    tables = (field.name for field in fields(Pieces) if field.name != "affected")
    return {**answer, "evidence": {name: rows(getattr(found.pieces, name)) for name in tables}}


def to_text(found: Found) -> str:
    """Write it for people, country by country."""
    parts = []
    for _, row in found.answers.iterrows():
        country = str(row["country"]), bool(row["lab"])
        parts += [_answer(row, of_country(found.posterior, country))]
        for title, body in (
            ("What was seen", _seen(found.weighed, country)),
            ("How well each class explains it (1: best)", _weighed(found.weighed, country)),
            ("ISPs, and where their interference is", _isps(found.pieces, country)),
            ("Ways out", _exits(found.pieces.exits, country)),
            ("What would decide it", _steps(found.steps, country)),
        ):
            parts += [f"{title}\n{body}"] if body else []
    return "\n\n".join(parts) + "\n" if parts else ""


def _answer(row: Any, posterior: pd.DataFrame) -> str:
    # A country is what a measurement says it is, and may be as long as somebody likes.
    country = str(row["country"])[:_COUNTRY]
    where = f"{country} (lab)" if row["lab"] else country
    chances = ", ".join(
        f"{TITLES[kind]} {percent(chance)}" for kind, chance in plain(posterior, "kind", "probability")
    )
    return f"{printable(where)}: {printable(answered(row))}\n  {chances}"


def _weighed(weighed: pd.DataFrame, country: Country) -> str:
    columns = [kind.replace(" ", "_") for kind in CLASSES]
    shown = [
        (piece, *(f"{fit:.2g}" if fit < 0.995 else "1" for fit in fits))
        for piece, *fits in plain(of_country(weighed, country), "piece", *columns)
    ]
    return table(("piece", *(_NAMES.get(kind, kind) for kind in CLASSES)), shown) if shown else ""


def _seen(weighed: pd.DataFrame, country: Country) -> str:
    lines = plain(of_country(weighed, country), "piece", "seen")
    return "\n".join(f"  {piece}: {printable(seen)}" for piece, seen in lines)


def _isps(pieces: Pieces, country: Country) -> str:
    placed: dict[tuple[Any, ...], list[str]] = {}
    for isp, asn, method, place, node in plain(
        of_country(pieces.places, country), "isp", "asn", "method", "place", "node"
    ):
        at = "" if node in (None, f"AS{asn}") else f" at {node}"
        placed.setdefault((isp, asn), []).append(f"{method}: {place}{at}")
    said = of_country(pieces.contrast_by_isp, country)
    contrast = {(isp, asn): word for isp, asn, word in plain(said, "isp", "asn", "conclusion")}
    shown = []
    for isp, asn, unit, buys in plain(of_country(pieces.units, country), "isp", "asn", "unit", "buys_from"):
        key = (isp, asn)
        shown.append((isp, asn, unit, buys, "; ".join(placed.get(key, ())) or None, contrast.get(key)))
    return table(("ISP", "AS", "unit", "buys from", "cut", "contrast"), shown) if shown else ""


def _exits(exits: pd.DataFrame, country: Country) -> str:
    shown = [
        (kind, isps, f"{hhi:.2f}", f"{e:.1f}", f"{low:.1f} to {high:.1f}", points, largest, percent(share))
        for kind, isps, hhi, e, low, high, points, largest, share in plain(
            of_country(exits, country), "exit", "isps", "hhi", "effective", "effective_low", "effective_high",
            "chokepoints", "largest", "largest_share",
        )
    ]  # fmt: skip
    heading = ("what", "ISPs", "HHI", "effective", "95 %", "for 90 %", "largest", "share")
    return table(heading, shown) if shown else ""


def _steps(steps: pd.DataFrame, country: Country) -> str:
    here = of_country(steps, country)
    lines = []
    for step, bits, whole, on, outcomes in plain(
        here.head(_STEPS), "step", "bits", "open_bits", "on", "outcomes"
    ):
        lines.append(
            f"  {bits:.2f} of {whole:.2f} bits: {printable(step)}" + (f" ({printable(on)})" if on else "")
        )
        lines += [f"      {printable(outcomes)}"] if outcomes else []
    return "\n".join(lines)
