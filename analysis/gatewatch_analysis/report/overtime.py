"""What changed over time, in findings: ways abroad that lead through one network, methods, outages.

Each is dated with its interval.  That nothing changed is said, too, where enough was measured to see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gatewatch_analysis.blocking import everywhere_down
from gatewatch_analysis.gateway import Found, find
from gatewatch_analysis.gateway.isps import Country, countries, of_country
from gatewatch_analysis.gateway.told import said
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.report.findings import Finding, isp_name
from gatewatch_analysis.shutdown import attempts, outages
from gatewatch_analysis.statistics.jeffreys import jeffreys_lower
from gatewatch_analysis.switch import Switched, switched
from gatewatch_analysis.tables import Outages

# With fewer days on which two ISPs were traced, that nothing changed is no news.
_LEAST_DAYS = 10


@dataclass(frozen=True, slots=True)
class OverTime:
    """The tables about time that the report shows; ``parts``: the evidence on a gate before and after.

    A part is a country, ``before`` or ``after``, the day that cuts there, and what was found.
    """

    switched: Switched
    outages: pd.DataFrame
    parts: tuple[tuple[Country, str, pd.Timestamp, Found], ...] = ()


def over_time(dataset: Dataset, prefixes: Whereabouts) -> OverTime:
    """Compute them from a dataset."""
    dead = everywhere_down(dataset.measurements)
    found = switched(dataset.hops, dataset.measurements, dataset.loci, dead, prefixes)
    tried = attempts(dataset.measurements)
    silent = outages(tried) if len(tried) else Outages.frame([])
    parts: list[tuple[Country, str, pd.Timestamp, Found]] = []
    for country in countries(found.switches):
        mine = of_country(found.switches, country)
        first, last = mine["low"].min(), mine["high"].max()
        parts.append((country, "before", first, find(_cut(dataset, country, None, first), prefixes)))
        parts.append((country, "after", last, find(_cut(dataset, country, last, None), prefixes)))
    return OverTime(found, silent, tuple(parts))


def _cut(dataset: Dataset, country: Country, since: Any, until: Any) -> Dataset:
    """Give what was measured in one country from a day on, or up to one, not with it."""

    def cut(frame: pd.DataFrame) -> pd.DataFrame:
        here = of_country(frame, country)
        inside = here["start"].notna()
        if since is not None:
            inside &= here["start"] >= since
        if until is not None:
            inside &= here["start"] < until
        return here[inside]

    return replace(
        dataset,
        measurements=cut(dataset.measurements),
        hops=cut(dataset.hops),
        loci=cut(dataset.loci),
        contrasts=cut(dataset.contrasts),
    )


def findings(found: OverTime, dataset: Dataset) -> Iterator[Finding]:
    """Say what changed, country by country."""
    for country in countries(dataset.measurements, dataset.hops):
        subject = f"{country[0]} (lab)" if country[1] else country[0]
        switches = of_country(found.switched.switches, country)
        for _, row in switches.iterrows():
            yield from _switch(subject, row)
        passes = of_country(found.switched.passes, country)
        yield from _past(subject, passes, switches)
        for where, when, day, part in found.parts:
            if where == country:
                yield from _gate(subject, when, day, part, country)
        if switches.empty:
            yield from _nothing(subject, of_country(dataset.hops, country))
        for _, row in of_country(found.outages, country).iterrows():
            yield _outage(subject, row)


def _switch(subject: str, row: Any) -> Iterator[Finding]:
    node = f"{row['node']} ({row['name']})" if row["name"] else str(row["node"])
    isps, of = int(row["isps"]), int(row["of"])
    evidence = {
        "node": str(row["node"]),
        "at": f"{row['at']:%Y-%m-%d}",
        "interval": [f"{row['low']:%Y-%m-%d}", f"{row['high']:%Y-%m-%d}"],
        "isps": str(row["names"]).split(", "),
        "either": str(row["either"]).split(", ") if row["either"] else [],
        "of": of,
        "probability": float(row["probability"]),
    }
    text = (
        f"On {_date(row, 'at', 'low', 'high')} the ways abroad of {isps} of {of} ISPs came to lead through "
        f"{node} together (probability {_sure(row['probability'])}): {row['names']}."
    )
    if row["either"]:
        text += f" On this day or on another such day, which their traces do not tell: {row['either']}."
    yield Finding(subject, "country.switch", text, evidence, round(float(row["probability"]), 3))
    if pd.notna(row["router"]):
        share = jeffreys_lower(row["router_isps"], isps)
        yield Finding(
            subject,
            "country.switch_border",
            f"Since then the last router at home on most of their ways is {row['router']}, on "
            f"{row['router_isps']} of these {isps} ISPs (at least {share:.0%} of such ISPs).",
            {
                "router": str(row["router"]),
                "isps": int(row["router_isps"]),
                "of": isps,
                "node": evidence["node"],
            },
            round(share, 3),
        )
    if row["located"]:
        share = jeffreys_lower(row["located_there"], row["located"])
        yield Finding(
            subject,
            "country.switch_located",
            f"Since then interference was located on {row['located']} of them, and on "
            f"{row['located_there']} it is at {node} (at least {share:.0%} of such ISPs).",
            {"node": evidence["node"], "there": int(row["located_there"]), "located": int(row["located"])},
            round(share, 3),
        )


def _past(subject: str, passes: pd.DataFrame, switches: pd.DataFrame) -> Iterator[Finding]:
    """Say how the methods of the ISPs that changed did, and which ISPs went on as before."""
    for node, mine in passes.groupby("node", sort=True):
        behind = mine[mine["state"] == "since"]
        yield from _methods(subject, str(node), behind)
        for _, row in mine[mine["state"] == "not behind it"].iterrows():
            changed = pd.notna(row["method_at"])
            text = (
                f"{isp_name(row)} goes past {node}: on none of {row['days']} days since the last change "
                f"did most of its ways abroad lead through it (at most {row['at_most']:.0%} of such days)"
            )
            if pd.notna(row["router"]):
                text += f"; it leaves by {row['router']}"
            if pd.notna(row["method_after"]):
                text += f", and blocks by {row['method_after']}"
                text += f", since {row['method_at']:%Y-%m-%d}" if changed else ", as before"
            evidence = {
                "node": str(node),
                "isp": isp_name(row),
                "days": int(row["days"]),
                "at_most": round(float(row["at_most"]), 3),
                "router": None if pd.isna(row["router"]) else str(row["router"]),
                "method": None if pd.isna(row["method_after"]) else str(row["method_after"]),
            }
            yield Finding(subject, "country.switch_past", f"{text}.", evidence, round(1 - row["at_most"], 3))


def _methods(subject: str, node: str, behind: pd.DataFrame) -> Iterator[Finding]:
    """Say how main methods changed with the ways: on how many ISPs, from what to what."""
    both = behind[behind["method_before"].notna() & behind["method_after"].notna()]
    if both.empty:
        return
    changed = both[both["method_at"].notna() & (both["method_before"] != both["method_after"])]
    # On one date, as far as the days measured can tell.
    with_it = changed[(changed["method_low"] <= changed["high"]) & (changed["low"] <= changed["method_high"])]
    before, after = Counter(both["method_before"]), Counter(both["method_after"])
    share = jeffreys_lower(len(with_it), len(both))
    text = (
        f"With it, the main method of blocking changed on {len(with_it)} of {len(both)} of these ISPs (at "
        f"least {share:.0%} of such ISPs): {_listed(before)} before, {_listed(after)} since."
    )
    evidence = {
        "node": node,
        "changed": len(with_it),
        "of": len(both),
        "before": dict(before.most_common()),
        "after": dict(after.most_common()),
        "dates": {
            isp_name(row): [f"{row[name]:%Y-%m-%d}" for name in ("method_low", "method_at", "method_high")]
            for _, row in changed.iterrows()
        },
    }
    yield Finding(subject, "country.switch_methods", text, evidence, round(share, 3))


def _gate(subject: str, when: str, day: pd.Timestamp, part: Found, country: Country) -> Iterator[Finding]:
    for _, row in of_country(part.answers, country).iterrows():
        posterior = of_country(part.posterior, country)
        evidence = {
            "answer": str(row["answer"]),
            "posterior": {
                str(kind): round(float(chance), 4)
                for kind, chance in zip(posterior["kind"], posterior["probability"], strict=True)
            },
            "day": f"{day:%Y-%m-%d}",
        }
        word = "Before" if when == "before" else "Since"
        text = f"{word} {day:%Y-%m-%d}, is there a gateway? {said(row)}"
        yield Finding(
            subject, f"country.switch_gateway_{when}", text, evidence, round(float(row["probability"]), 3)
        )


def _nothing(subject: str, hops: pd.DataFrame) -> Iterator[Finding]:
    days = hops["start"].dropna().dt.floor("D").nunique()
    isps = hops["isp"].nunique()
    if days < _LEAST_DAYS or isps < 2:
        return
    text = (
        f"No two of {isps} ISPs were seen to change together to ways abroad through one network at home, on "
        f"{days} days with traces."
    )
    yield Finding(subject, "country.no_switch", text, {"isps": isps, "days": days}, 1.0)


def _outage(subject: str, row: Any) -> Finding:
    name = isp_name(row)
    whole = row["scope"] == "the ISP"
    what = "was off the net" if whole else "had lines that were off the net"
    # Nobody is told who measured: all visits of an ISP may be one volunteer's.
    proviso = " All these visits may be of one line." if whole else ""
    since = "" if pd.isna(row["after"]) else f" (it had answered until {row['after']:%Y-%m-%d %H:%M})"
    until = "" if pd.isna(row["before"]) else f" (it answered from {row['before']:%Y-%m-%d %H:%M})"
    text = (
        f"{name} {what} from {row['start']:%Y-%m-%d %H:%M}{since} to {row['end']:%Y-%m-%d %H:%M}{until}: "
        f"{row['silent']} of {row['visits']} visits met no answer from anywhere, probability "
        f"{_sure(row['probability'])}.{proviso} That is no filter of sites, and does not say why."
    )
    evidence = {
        "isp": name,
        "scope": str(row["scope"]),
        "start": f"{row['start']:%Y-%m-%d %H:%M}",
        "end": f"{row['end']:%Y-%m-%d %H:%M}",
        "after": None if pd.isna(row["after"]) else f"{row['after']:%Y-%m-%d %H:%M}",
        "before": None if pd.isna(row["before"]) else f"{row['before']:%Y-%m-%d %H:%M}",
        "silent": int(row["silent"]),
        "visits": int(row["visits"]),
    }
    return Finding(subject, "country.outage", text, evidence, round(float(row["probability"]), 3))


def _date(row: Any, at: str, low: str, high: str) -> str:
    text = f"{row[at]:%Y-%m-%d}"
    if row[low] == row[high]:
        return f"{text} (95 % interval: that day)"
    return f"{text} (95 % interval {row[low]:%Y-%m-%d} to {row[high]:%Y-%m-%d})"


def _sure(probability: float) -> str:
    return "over 99.9%" if probability > 0.999 else f"{probability:.1%}"


def _listed(counts: Counter[str]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in ordered)
