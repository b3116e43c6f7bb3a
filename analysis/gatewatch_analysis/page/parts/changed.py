"""What changed, and when: ways abroad that came to lead through one network, methods, outages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd

from gatewatch.words import mark, say, worded
from gatewatch_analysis.page.chart import Point, chart
from gatewatch_analysis.page.contents import Contents, named, of_country
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import Element, element, foreign
from gatewatch_analysis.page.tables import table
from gatewatch_analysis.report.findings import isp_name

#: What became of an ISP's ways, so that it stands in the catalogues.
_STATES = {
    "since": mark("behind it"),
    "all along": mark("behind it all along"),
    "not behind it": mark("past it"),
    "cannot tell": mark("cannot tell"),
}
_ORDER = list(_STATES)


def changed(contents: Contents) -> Section:
    """Build the section."""
    found = contents.analysis.over_time
    parts: list[Element] = [
        element(
            "p",
            say(
                "Each day is told with the interval that holds it with 95 %. That ways come to lead through "
                "one network says nothing of filtering there: where filters are is told below."
            ),
        )
    ]
    for country in contents.countries:
        told = [
            *_switches(
                of_country(found.switched.switches, country),
                of_country(found.switched.passes, country),
                of_country(found.switched.days, country),
            ),
            *_outages(of_country(found.outages, country)),
        ]
        if told:
            parts += [element("h3", named(country)), *told]
    if len(parts) == 1:
        parts.append(element("p", say("Nothing was seen to change.")))
    return Section("changed", say("What changed, and when"), tuple(parts))


def _switches(switches: pd.DataFrame, passes: pd.DataFrame, days: pd.DataFrame) -> Iterator[Element]:
    for node, mine in days.groupby("node", sort=True):
        marks = [
            (_date(row["at"]), say("{n} ISPs", n=int(row["isps"])))
            for _, row in switches[switches["node"] == node].iterrows()
        ]
        method = mine["method"].iloc[0]
        lines = {say("ways abroad through {node}", node=str(node)): _shares(mine, "through", "isps")}
        if pd.notna(method):
            by_method = _shares(mine, "by_method", "blocking")
            lines[say("blocked mainly by {method}", method=str(method))] = by_method
        figure = chart(say("Share of the ISPs measured, day by day"), lines, marks)
        if figure is not None:
            yield figure
        own = passes[passes["node"] == node]
        ordered = own.assign(rank=own["state"].map(_ORDER.index)).sort_values(["rank", "at", "isp"])
        yield table(
            say("Ways abroad through {node}, and how each ISP blocks", node=str(node)),
            (
                say("ISP"),
                say("its ways"),
                say("since"),
                "",
                say("last hop at home"),
                say("method before"),
                say("method since"),
                say("changed on"),
                "",
            ),
            [
                (
                    foreign(isp_name(row)),
                    worded(_STATES[str(row["state"])]),
                    *_dated(row, "at", "low", "high"),
                    row["router"],
                    row["method_before"],
                    row["method_after"],
                    *_dated(row, "method_at", "method_low", "method_high"),
                )
                for _, row in ordered.iterrows()
            ],
        )


def _shares(days: pd.DataFrame, hits: str, trials: str) -> list[Point]:
    seen = days[days[trials] > 0]
    return [(_date(row["day"]), int(row[hits]) / int(row[trials])) for _, row in seen.iterrows()]


def _date(day: Any) -> date:
    return date(day.year, day.month, day.day)


def _dated(row: Any, at: str, low: str, high: str) -> tuple[str | None, str | None]:
    if pd.isna(row[at]):
        return None, None
    between = say("{low} to {high}", low=f"{row[low]:%Y-%m-%d}", high=f"{row[high]:%Y-%m-%d}")
    return f"{row[at]:%Y-%m-%d}", between


def _outages(outages: pd.DataFrame) -> Iterator[Element]:
    if outages.empty:
        return
    yield table(
        say("Outages: nothing answered, which is no filtering of sites"),
        (say("ISP"), say("from"), say("to"), say("silent visits"), say("of")),
        [
            (
                foreign(isp_name(row)),
                f"{row['start']:%Y-%m-%d %H:%M}",
                f"{row['end']:%Y-%m-%d %H:%M}",
                int(row["silent"]),
                int(row["visits"]),
            )
            for _, row in outages.iterrows()
        ],
        numbers=(3, 4),
    )
