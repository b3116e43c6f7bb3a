"""The calibration: how often each class shows what, as counted over emulated countries.

``calibration.toml`` is written by ``python -m benchmarks gateway --refit`` and read here; it says how it was
made.  Every likelihood that the analysis uses stands in it, as counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from gatewatch_analysis.gateway.likelihood import Bins, Shares

#: What a country may be.
Class = Literal["none", "ordered", "central", "gateway", "upstream", "not identifiable"]
CLASSES: tuple[Class, ...] = get_args(Class)
TITLES: Mapping[Class, str] = {
    "none": "no order carried out",
    "ordered": "ordered, per ISP",
    "central": "centrally managed and distributed",
    "gateway": "gateway",
    "upstream": "upstream leak",
    "not identifiable": "not identifiable",
}
FILE = "calibration.toml"
#: Added to every count, so that what the lab has never shown is rare and not impossible: Jeffreys' prior for
#: shares, one half of an observation for each category.
HALF = 0.5

Model = Shares | Bins


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence: its likelihood for each class, and how much of it is believed.

    ``temper`` is the exponent of the likelihood: less than 1 where what pieces have in common would else be
    counted twice.  ``table`` is what the file says.
    """

    name: str
    group: str
    temper: float
    models: Mapping[Class, Model]
    table: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All pieces, the prior, and how it was made."""

    pieces: Mapping[str, Piece]
    prior: Mapping[Class, float]
    made: Mapping[str, Any]


@cache
def calibration() -> Calibration:
    """Read the package's calibration."""
    return parse((files("gatewatch_analysis.gateway") / FILE).read_text("utf-8"))


def parse(text: str) -> Calibration:
    """Read a calibration; raises KeyError or ValueError for one that lacks something."""
    table = tomllib.loads(text)
    even = 1 / len(CLASSES)
    return Calibration(
        {name: _piece(name, row, table["temper"]) for name, row in table["piece"].items()},
        {kind: float(table.get("prior", {}).get(kind, even)) for kind in CLASSES},
        table["made"],
    )


def _piece(name: str, row: Mapping[str, Any], temper: Mapping[str, float]) -> Piece:
    names = [str(name) for name in row["categories"]]
    models = {kind: model(row["model"], names, row[kind]) for kind in CLASSES}
    return Piece(name, row["group"], float(temper[row["group"]]), models, row)


def model(kind: str, names: list[str], row: Mapping[str, Any]) -> Model:
    """Make a likelihood of counts."""
    counts = [float(count) + HALF for count in row["counts"]]
    if len(counts) != len(names):
        raise ValueError(f"{len(counts)} counts for {len(names)} categories")
    parts = [count / sum(counts) for count in counts]
    if kind == "shares":
        return Shares({n: part * float(row["concentration"]) for n, part in zip(names, parts, strict=True)})
    return Bins(dict(zip(names, parts, strict=True)))
