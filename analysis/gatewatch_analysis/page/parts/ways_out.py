"""Where paths leave the country, how concentrated that is, and how it went over time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

from gatewatch.words import mark, say, worded
from gatewatch_analysis.page.chart import chart
from gatewatch_analysis.page.contents import Contents, named, of_country
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.tables import table
from gatewatch_analysis.report.findings import isp_name
from gatewatch_targets.events import events_of

# A picture with a name for every event would be all names.
_EVENTS = 9


def ways_out(contents: Contents) -> Section:
    """Build the section."""
    parts: list[Element] = [
        element(
            "p",
            say(
                "The index is 1 where all paths leave by one way, and 1/n where n ways share alike; every "
                "ISP counts alike. That paths leave together does not say that anything is filtered there."
            ),
        )
    ]
    for country in contents.countries:
        parts += _country(contents, country)
    if len(parts) == 1:
        parts.append(element("p", say("No path abroad was traced in this dataset.")))
    return Section("exits", say("Ways out of the country"), tuple(parts))


def _country(contents: Contents, country: tuple[str, bool]) -> Iterator[Element]:
    measured = of_country(contents.exits, country)
    if measured.empty:
        return
    yield element("h3", named(country))
    yield table(
        say("How concentrated the ways out are"),
        (say("way out"), say("ISPs"), say("index"), "", say("largest"), say("ISPs using it")),
        [
            (
                worded(str(row["exit"])),
                int(row["isps"]),
                float(row["hhi"]),
                say("{low} to {high}", low=f"{row['hhi_low']:.2f}", high=f"{row['hhi_high']:.2f}"),
                foreign(str(row["largest"])),
                int(row["largest_isps"]),
            )
            for _, row in measured.iterrows()
        ],
        numbers=(1, 2, 5),
    )
    yield from _drawn(of_country(contents.exits_by_month, country), country)
    borders = of_country(contents.analysis.border_by_isp, country)
    found = borders[borders["found"] > 0]
    if len(found):
        yield table(
            say("Last hop at home and first hop abroad, by ISP"),
            (say("ISP"), say("last hop at home"), say("first hop abroad"), say("paths")),
            [
                (foreign(isp_name(row)), _end(row, "domestic"), _end(row, "foreign"), int(row["support"]))
                for _, row in found.iterrows()
            ],
            numbers=(3,),
        )


def _end(row: pd.Series, side: str) -> Element:
    network = f" AS{row[f'{side}_asn']}" if pd.notna(row[f"{side}_asn"]) else ""
    name = f" {row[f'{side}_name']}" if pd.notna(row[f"{side}_name"]) else ""
    return foreign(f"{row[f'{side}_address']}{network}{name}")


def _drawn(by_month: pd.DataFrame, country: tuple[str, bool]) -> Iterator[Element]:
    lines = {}
    for kind in ("last network at home", "first network abroad"):
        mine = by_month[by_month["exit"] == kind]
        days = [date.fromisoformat(f"{month}-01") for month in mine["month"]]
        lines[worded(kind)] = list(zip(days, map(float, mine["hhi"]), strict=True))
    gates = [e for e in events_of(country[0]) if e.kind in ("plan", "law", "infra", "path", "outage")]
    marks = [(event.start.first, event.id) for event in gates][-_EVENTS:]
    caption = say("Concentration of the ways out by month (index from 0 to 1), and events of the timeline")
    figure = chart(caption, lines, marks)
    if figure is not None:
        yield figure


#: What the kinds of exits are called, so that they stand in the catalogues.
_NAMES = (
    mark("last router at home"),
    mark("last network at home"),
    mark("first router abroad"),
    mark("first network abroad"),
)
