"""What is on record of real countries, as measurements would have it; sources stand in the files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
from tests.analysis.gateway.frames import DAY, made

from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.tables import Contrasts, Hops, Loci, Measurements, Problems

_FOLDER = Path(__file__).with_name("facts")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a file of facts."""
    text = (_FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def rfa() -> list[dict[str, Any]]:
    """Cambodia, www.rfa.org: blocked measurements as rows of ``Mechanisms``."""
    return [
        {
            "isp": row["isp"],
            "asn": int(row["asn"]),
            "input": "https://www.rfa.org/",
            "mechanism": row["mechanism"],
            "count": int(row["count"]),
        }
        for row in rows("kh-rfa-2024")
    ]


def verdict(
    asn: int, isp: str, target: str, label: str, when: pd.Timestamp = DAY, run: str = "r"
) -> dict[str, Any]:
    """One verdict, as a row of ``Measurements``; ``blocked`` says no more than that."""
    layer, _, method = label.partition(".")
    return {
        "isp": isp,
        "asn": asn,
        "run": f"{run} {isp}",
        "test_name": "web_connectivity",
        "input": target,
        "start": when,
        "status": "blocked" if method else label,
        "layer": layer if method else None,
        "method": method or None,
        "confidence": 0.8,
    }


def of_verdicts(found: list[dict[str, Any]], country: str) -> Dataset:
    """A dataset of verdicts and nothing else: no path, no place, no contrast."""
    measurements = made(Measurements, found, country=country)
    return Dataset(
        measurements=measurements,
        hops=made(Hops, []),
        loci=made(Loci, []),
        contrasts=made(Contrasts, []),
        problems=Problems.frame([]),
    )


def cambodia() -> Dataset:
    """www.rfa.org in 2024; of each way a tenth of its measurements."""
    found = []
    for row in rfa():
        one = verdict(row["asn"], row["isp"], row["input"], row["mechanism"])
        found += [one] * (row["count"] // 10)
    return of_verdicts(found, "KH")


def listed(name: str, country: str) -> Dataset:
    """A file of verdicts."""
    found = [verdict(int(r["asn"]), r["isp"], r["target"], r["label"]) for r in rows(name)]
    return of_verdicts(found, country)


def vod(mechanisms: bool) -> Dataset:
    """Voice of Democracy, 13 February 2023: about forty providers told by chat to block at ten, and done.

    Nikkei, https://www.broadcastandcablesat.co.in/cambodia-internet-providers-told-to-block-independent-broadcaster/
    The order's names are those of its two sites and of its publisher.  Rounds before and after are what an
    observer on every line would have seen: all free at 9:50, all blocked by 10:20.  By which means is not on
    record; ``mechanisms``: by those that eleven of them used in 2024.
    """
    ten = pd.Timestamp("2023-02-13 03:00", tz="UTC")
    ways = {row["isp"]: row["mechanism"] for row in reversed(rfa())}
    names = [*ways, *(f"provider {n}" for n in range(len(ways) + 1, 41))] if not mechanisms else list(ways)
    found = []
    for number, name in enumerate(names, 64500):
        for site in ("vodenglish.news", "vodkhmer.news", "ccimcambodia.org"):
            way = ways[name] if mechanisms else "blocked"
            found += [
                verdict(number, name, site, "ok", ten - pd.Timedelta(minutes=10), "before"),
                verdict(number, name, site, way, ten + pd.Timedelta(minutes=20), "after"),
                verdict(number, name, site, way, ten + pd.Timedelta(hours=2), "later"),
            ]
    return of_verdicts(found, "KH")
