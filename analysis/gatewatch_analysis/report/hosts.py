"""What is told of hosting: shares by period, each service's place, and what has moved."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gatewatch_analysis.hosting import addresses, hosting, moves, placements
from gatewatch_analysis.hosting.placed import Period
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.report.overview import rows
from gatewatch_analysis.report.text import country_of, part, percent, told, whole


@dataclass(frozen=True, slots=True)
class Hosts:
    """Every table about hosting (:mod:`gatewatch_analysis.tables.hosting`)."""

    shares: pd.DataFrame
    placements: pd.DataFrame
    moves: pd.DataFrame
    addresses: pd.DataFrame


def analyse(
    observations: pd.DataFrame,
    tables: Whereabouts,
    *,
    by: Period = "month",
    services: Collection[str] | None = None,
) -> Hosts:
    """Compute the tables from observations."""
    found = addresses(observations, tables, by=by, services=services)
    placed = placements(found)
    return Hosts(hosting(placed), placed, moves(placed), found)


def to_json(found: Hosts) -> dict[str, Any]:
    """Give one object with the rows of every table."""
    return {
        "hosting": rows(found.shares),
        "placements": rows(found.placements),
        "moves": rows(found.moves),
        "addresses": rows(found.addresses),
    }


def to_text(found: Hosts) -> str:
    """Write it for people."""
    return whole(
        [
            part("Where the country's services answer from", _shares(found.shares), "No service was seen."),
            part("Services that moved", _moves(found.moves)),
            part("Each service, last period", _placements(found.placements)),
        ]
    )


def _shares(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), r["services"], f"{r['period']:%Y-%m-%d}", r["inside"], r["abroad"], r["both"]),
            *(r["content"], r["unknown"], percent(r["inside_share"])),
            *(percent(r["inside_low"]), percent(r["inside_high"])),
            *(percent(r["least_share"]), percent(r["most_share"])),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "services", "from", "inside", "abroad", "both", "content network", "not known")
    return told((*heading, "share inside", "95 % from", "to", "at least", "at most"), shown)


def _moves(frame: pd.DataFrame) -> str:
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), r["domain"], r["before"], f"{r['last']:%Y-%m-%d}", r["periods_before"]),
            *(r["after"], f"{r['first']:%Y-%m-%d}", r["periods_after"], r["networks_after"]),
        )
        for _, r in frame.iterrows()
    ]
    heading = ("country", "service", "was", "until", "periods", "is", "since", "periods", "networks")
    return told(heading, shown)


def _placements(frame: pd.DataFrame) -> str:
    service = ["country", "lab", "domain"]
    last = frame.sort_values("period", kind="stable").drop_duplicates(service, keep="last")
    ordered = last.sort_values(["country", "government", "domain"], ascending=[True, False, True])
    shown: list[tuple[Any, ...]] = [
        (
            *(country_of(r), r["domain"], "government" if r["government"] else "", r["place"], r["networks"]),
            *("certificate" if r["proven"] else "name only", r["caveat"]),
        )
        for _, r in ordered.iterrows()
    ]
    return told(("country", "service", "", "place", "networks", "by", "caveat"), shown)
