"""How it was found, what it cannot tell, and the tables as files."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gatewatch import __version__
from gatewatch.verdict import RULES_VERSION
from gatewatch.words import count, say
from gatewatch_analysis.page.contents import Contents
from gatewatch_analysis.page.document import Section
from gatewatch_analysis.page.element import download as file
from gatewatch_analysis.page.element import element
from gatewatch_analysis.page.tables import as_csv

# A page of more than some megabytes opens slowly on a phone; the dataset itself has every row.
_MOST_ROWS = 5_000


def method(contents: Contents) -> Section:
    """Say how it was measured and judged."""
    measurements = contents.analysis.dataset.measurements
    aside = int((~contents.analysis.problems["kept"]).sum())
    limits = (
        say("Volunteers choose themselves: their lines are no sample of the country's."),
        say("A list of sites is no sample of the web. Shares compare ISPs on one list, and nothing else."),
        say("A verdict is a rule's, with a confidence; a single one may be wrong."),
        say("One method on all ISPs, one list or one day of onset comes about without a gateway, by orders."),
        say("Addresses are looked up by who announces them, which is not where routers stand."),
    )
    return Section(
        "method",
        say("Method and limits"),
        (
            element("p", _measured(measurements)),
            element("p", say("Lines that could not be read and were set aside: {n}.", n=aside)),
            element(
                "p",
                say(
                    "Judged by gatewatch {version}, rules {rules}, the same for every measurement. The page "
                    "was made from the dataset alone: it fetches nothing, and opening it tells nobody.",
                    version=__version__,
                    rules=RULES_VERSION,
                ),
            ),
            element("ul", (element("li", limit) for limit in limits)),
        ),
    )


def _measured(measurements: pd.DataFrame) -> str:
    start = measurements["start"].dropna()
    runs = int(measurements["run"].nunique())
    whole = count("{n} measurement", "{n} measurements", len(measurements))
    from_runs = count("{n} run", "{n} runs", runs)
    if start.empty:
        return say("{measurements} from {runs}.", measurements=whole, runs=from_runs)
    return say(
        "{measurements} from {runs}, from {first} to {last} (UTC).",
        measurements=whole,
        runs=from_runs,
        first=f"{start.min():%Y-%m-%d}",
        last=f"{start.max():%Y-%m-%d}",
    )


def downloads(contents: Contents) -> Section:
    """Offer the tables as CSV; they lie in the page."""
    analysis = contents.analysis
    tables: Mapping[str, pd.DataFrame] = {
        "verdicts": analysis.verdicts,
        "by_isp": analysis.by_isp,
        "by_layer": analysis.by_layer,
        "by_category": analysis.by_category,
        "borders": analysis.borders,
        "border_by_isp": analysis.border_by_isp,
        "exits": contents.exits,
        "loci": analysis.dataset.loci,
        "switches": analysis.over_time.switched.switches,
        "passes": analysis.over_time.switched.passes,
        "passed_days": analysis.over_time.switched.days,
        "outages": analysis.over_time.outages,
    }
    rows = []
    for name, frame in tables.items():
        if frame.empty:
            continue
        # Blocked ones first, as they are what is asked for.
        kept = frame.sort_values("status", key=lambda s: s != "blocked") if "status" in frame else frame
        label = count("{name}: {n} row", "{name}: {n} rows", min(len(frame), _MOST_ROWS), name=name)
        more = len(frame) - _MOST_ROWS
        note = say(" (of {n}; the dataset has them all)", n=len(frame)) if more > 0 else ""
        rows.append(element("li", file(label, f"{name}.csv", as_csv(kept.head(_MOST_ROWS))), note))
    return Section("tables", say("The tables, to download"), (element("ul", rows, class_="downloads"),))
