"""Where it is cut: the link that ``locate`` found, on each ISP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from gatewatch.words import say
from gatewatch_analysis.page.contents import Contents, named, of_country
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.hops import Stop, way
from gatewatch_analysis.page.tables import table
from gatewatch_analysis.page.terms import english, term
from gatewatch_analysis.report.findings import isp_name
from gatewatch_analysis.report.text import percent

# One drawing an ISP, and not more than a reader looks at.
_DRAWN = 12
_ROWS = 60


def where(contents: Contents) -> Section:
    """Build the section."""
    loci = contents.analysis.dataset.loci
    parts: list[Element] = [
        element(
            "p",
            say(
                "A link between two routers is where a filter first shows; which of the two it stands at, or "
                "what lies between them, cannot be told from outside. Where the evidence does not suffice, "
                "no link is named."
            ),
        )
    ]
    if loci.empty:
        parts.append(
            element("p", say("Nothing was located in this dataset: no volunteer ran gatewatch locate."))
        )
    for country in contents.countries:
        mine = of_country(loci, country)
        if len(mine):
            parts.append(element("h3", named(country)))
            parts += _country(mine, country[0])
    return Section("where", say("Where it is cut"), tuple(parts))


def _country(loci: pd.DataFrame, home: str) -> Iterator[Element]:
    found = loci[loci["before"].notna()]
    best = found.sort_values("probability", ascending=False, kind="stable").drop_duplicates(["isp", "asn"])
    for _, row in best.head(_DRAWN).iterrows():
        yield way(
            isp_name(row),
            [*_leading(row), _stop(row, "before", home), _stop(row, "after", home)],
            (int(row["before"]), int(row["after"])),
            _said(row),
        )
    yield table(
        say("Every trigger that was located, or was not"),
        (
            say("ISP"),
            say("sent"),
            say("name"),
            say("link"),
            say("place"),
            say("probability"),
            say("triggers"),
        ),
        [
            (
                foreign(isp_name(row)),
                row["method"],
                row["name"],
                f"{row['before']}-{row['after']}" if pd.notna(row["before"]) else _reason(row),
                term(row["place"]),
                percent(row["probability"]),
                int(row["triggers"]) if pd.notna(row["triggers"]) else None,
            )
            for _, row in loci.head(_ROWS).iterrows()
        ],
        numbers=(5, 6),
    )


def _leading(row: Any) -> list[Stop]:
    """Stand for the way up to the link."""
    if int(row["before"]) <= 1:
        return []
    return [Stop(1, (say("the volunteer's line"),))]


def _stop(row: Any, side: str, home: str) -> Stop:
    country = row[f"{side}_country"]
    network = f"AS{row[f'{side}_asn']}" if pd.notna(row[f"{side}_asn"]) else ""
    lines = (
        str(row[f"{side}_address"]) if pd.notna(row[f"{side}_address"]) else say("silent"),
        network,
        str(country) if pd.notna(country) else "",
    )
    return Stop(int(row[side]), lines, abroad=pd.notna(country) and str(country) != home)


def _said(row: Any) -> str:
    return say(
        "{method} with a forbidden name is cut between hops {before} and {after} ({place}); "
        "probability {probability}, {triggers} triggers",
        method=str(row["method"]),
        before=int(row["before"]),
        after=int(row["after"]),
        place=term(row["place"]),
        probability=percent(row["probability"]),
        triggers=int(row["triggers"]) if pd.notna(row["triggers"]) else 0,
    )


def _reason(row: Any) -> Element | str:
    return say("cannot tell") if pd.isna(row["reason"]) else english(str(row["reason"]))
