"""Countries on paper in which a network fails, is filtered, or is not heard of; attempts by the hour.

Each world has three to seven ISPs with two or three lines each.  A line looks at a list of targets every few
hours, late by chance, and leaves one visit in ten out.  A few targets are blocked or dead throughout, and
some answers get lost.  Then one thing happens, and that is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.tables import Attempts

DAYS = 20
#: What happens, and what should be found: scope of a row of failures, or of stopped measurements.
KINDS = {
    "nothing": None,
    "filter": None,  # a third of the targets is blocked from one hour on, on every ISP
    "one site": None,  # one site is shut on every ISP
    "one line": "some lines",
    "one ISP": "one ISP",
    "some ISPs": "several ISPs",
    "country": "every ISP heard",
    "border": "every ISP heard",  # targets inside the country still answer
    "stopped": "stopped",
}
_START = pd.Timestamp("2024-05-01", tz="UTC")


@dataclass(frozen=True, slots=True)
class World:
    """Attempts, what happened in them, and from when to when, in hours from the start."""

    kind: str
    attempts: pd.DataFrame
    begin: float
    end: float
    isps: tuple[int, ...]


def draw(kind: str, seed: int) -> World:
    """Make a world of a kind."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 8))
    sites = int(rng.integers(25, 60))
    home = rng.random(sites) < 0.25
    # Dead for everybody, blocked with silence, or answering badly: what any list has.
    odd = rng.random(sites) < 0.06
    begin = float(rng.uniform(8, 11) * 24)
    end = begin + float(rng.uniform(8, 60))
    chosen = {"one ISP": 1, "one line": 1, "some ISPs": 2}.get(kind, count)
    hit = tuple(int(i) for i in rng.choice(count, chosen, replace=False))
    blocked = rng.random(sites) < 0.3
    frames = []
    for isp in range(count):
        lines = int(rng.integers(2, 4))
        broken = int(rng.integers(lines))
        for line in range(lines):
            at = _visits(rng)
            if kind == "stopped" and isp in hit:
                at = at[(at < begin) | (at > end)]
            hours = np.repeat(at, sites)
            site = np.tile(np.arange(sites), len(at))
            during = (hours >= begin) & (hours <= end) & (isp in hit)
            silent = odd[site] | (rng.random(len(site)) < 0.02)
            if kind in ("one ISP", "some ISPs", "country"):
                silent |= during & (rng.random(len(site)) < 0.98)
            elif kind == "one line" and line == broken:
                silent |= during
            elif kind == "border":
                silent |= during & ~home[site] & (rng.random(len(site)) < 0.98)
            elif kind == "filter":
                silent |= (hours >= begin) & blocked[site]
            elif kind == "one site":
                silent |= (hours >= begin) & (site == 0)
            visit = pd.Series(np.repeat(np.arange(len(at)), sites)).astype("string")
            frames.append(
                pd.DataFrame(
                    {
                        "isp": f"ISP {isp}",
                        "asn": isp + 1,
                        "run": f"{isp}-{line}-" + visit,
                        "hours": hours,
                        "target": "site" + pd.Series(site).astype("string") + ".com",
                        "silent": silent,
                        "abroad": ~home[site],
                    }
                )
            )
    table = pd.concat(frames, ignore_index=True)
    start = _START + pd.to_timedelta((table["hours"] * 3600).round(), unit="s")
    return World(kind, Attempts.typed(table.assign(country="KH", lab=False, start=start)), begin, end, hit)


def _visits(rng: np.random.Generator) -> Any:
    """Give the hours at which a line measures: every few hours, a little late, some left out."""
    every = float(rng.choice([2.0, 3.0, 4.0]))
    at = np.arange(rng.uniform(0, every), DAYS * 24, every)
    at = at + rng.uniform(0, 0.4, len(at))
    return at[rng.random(len(at)) > 0.1]
