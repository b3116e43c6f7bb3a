"""Every table of the analysis, column by column: type, unit, and where the value comes from.

A table is a pandas DataFrame; what its columns mean stands once, on a class here.  A test compares loaded
and computed frames with these classes, and ``docs/analysis.md`` prints them.  Rows are never changed in
place: each analysis gives a new frame.
"""

from __future__ import annotations

from gatewatch_analysis.tables.base import (
    CATEGORY,
    FLAG,
    REAL,
    TEXT,
    TIME,
    VANTAGE,
    WHOLE,
    Column,
    Table,
    Vantage,
)
from gatewatch_analysis.tables.blocking import ByCategory, ByIsp, ByLayer, Dead, Share, Verdicts
from gatewatch_analysis.tables.border import BorderByIsp, Borders
from gatewatch_analysis.tables.cables import (
    Candidates,
    ChineseByCountry,
    ChineseByIsp,
    ChineseCrossings,
    Crossings,
)
from gatewatch_analysis.tables.days import (
    BlockChanges,
    CommonChanges,
    Consistency,
    CountryDays,
    Days,
    Domains,
)
from gatewatch_analysis.tables.events import (
    Evaluations,
    EventAnswers,
    Interruptions,
    JointChanges,
    Series,
    TargetDays,
)
from gatewatch_analysis.tables.evidence import (
    BoxTypes,
    Carriers,
    ContrastByIsp,
    ContrastSigns,
    Exits,
    Identifiable,
    ListAgreement,
    ListPairs,
    Mechanisms,
    Onsets,
    OnsetSpread,
    Places,
    Sellers,
    SharedNodes,
    Uniformity,
    Units,
)
from gatewatch_analysis.tables.gateway import Contrasts, Loci
from gatewatch_analysis.tables.hosting import Hosting, Moves, Placements, ServiceAddresses
from gatewatch_analysis.tables.loaded import Hops, Judged, Measurements, Problems, Witnesses
from gatewatch_analysis.tables.observations import Observations
from gatewatch_analysis.tables.paths import HopPlaces, Links, Paths
from gatewatch_analysis.tables.shutdown import Attempts, Outages, Shutdowns, Stops
from gatewatch_analysis.tables.switch import PassedDays, Passes, Switches
from gatewatch_analysis.tables.weighed import Answers, Posterior, Steps, Weighed

__all__ = [
    "CATEGORY",
    "FLAG",
    "REAL",
    "TABLES",
    "TEXT",
    "TIME",
    "VANTAGE",
    "WHOLE",
    "Answers",
    "Attempts",
    "BlockChanges",
    "BorderByIsp",
    "Borders",
    "BoxTypes",
    "ByCategory",
    "ByIsp",
    "ByLayer",
    "Candidates",
    "Carriers",
    "ChineseByCountry",
    "ChineseByIsp",
    "ChineseCrossings",
    "Column",
    "CommonChanges",
    "Consistency",
    "ContrastByIsp",
    "ContrastSigns",
    "Contrasts",
    "CountryDays",
    "Crossings",
    "Days",
    "Dead",
    "Domains",
    "Evaluations",
    "EventAnswers",
    "Exits",
    "HopPlaces",
    "Hops",
    "Hosting",
    "Identifiable",
    "Interruptions",
    "JointChanges",
    "Judged",
    "Links",
    "ListAgreement",
    "ListPairs",
    "Loci",
    "Measurements",
    "Mechanisms",
    "Moves",
    "Observations",
    "OnsetSpread",
    "Onsets",
    "Outages",
    "PassedDays",
    "Passes",
    "Paths",
    "Placements",
    "Places",
    "Posterior",
    "Problems",
    "Sellers",
    "Series",
    "ServiceAddresses",
    "Share",
    "SharedNodes",
    "Shutdowns",
    "Steps",
    "Stops",
    "Switches",
    "Table",
    "TargetDays",
    "Uniformity",
    "Units",
    "Vantage",
    "Verdicts",
    "Weighed",
    "Witnesses",
    "markdown",
]

#: Every table, in the order of the documentation.  A room adds its module here.
TABLES: tuple[type[Table], ...] = (
    Measurements,
    Observations,
    Hops,
    Loci,
    Contrasts,
    Problems,
    Witnesses,
    Judged,
    Verdicts,
    Dead,
    ByIsp,
    ByLayer,
    ByCategory,
    Days,
    Domains,
    CountryDays,
    Consistency,
    BlockChanges,
    CommonChanges,
    Attempts,
    Outages,
    Stops,
    Shutdowns,
    ServiceAddresses,
    Placements,
    Hosting,
    Moves,
    Borders,
    BorderByIsp,
    Paths,
    Links,
    HopPlaces,
    Sellers,
    Units,
    Exits,
    Places,
    SharedNodes,
    ContrastByIsp,
    ContrastSigns,
    Mechanisms,
    Uniformity,
    ListPairs,
    ListAgreement,
    BoxTypes,
    Onsets,
    OnsetSpread,
    Carriers,
    Identifiable,
    Crossings,
    Candidates,
    ChineseCrossings,
    ChineseByIsp,
    ChineseByCountry,
    Weighed,
    Posterior,
    Answers,
    Steps,
    TargetDays,
    Series,
    Interruptions,
    EventAnswers,
    JointChanges,
    Evaluations,
    Switches,
    Passes,
    PassedDays,
)


def markdown() -> str:
    """Write the columns of every table as Markdown, for ``docs/analysis.md``."""
    parts = []
    for table in TABLES:
        lines = [
            f"### `{table.title}`",
            "",
            "| column | type | unit | what | from |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {name} | {c.dtype} | {c.unit} | {c.doc} | {c.source} |" for name, c in table.columns().items()
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
