"""Every table of the analysis, column by column: type, unit, and where the value comes from.

A table is a pandas DataFrame; what its columns mean stands once, on a class here.  A test compares loaded
and computed frames with these classes, and ``docs/analysis.md`` prints them.  Rows are never changed in
place: each analysis gives a new frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

# Nullable types: a missing number is <NA>, never NaN or a number that means "none".
TEXT = "string"
WHOLE = "Int64"
REAL = "Float64"
FLAG = "boolean"
# Microseconds stated outright: pandas 2 and 3 choose different units when left alone.
TIME = "datetime64[us, UTC]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, what it holds, its unit and its source."""

    dtype: str
    doc: str
    unit: str = ""
    source: str = ""


class Table:
    """A table; its columns are the class attributes, in order."""

    title: ClassVar[str] = ""

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Give name to column, those of the classes it builds on first."""
        found: dict[str, Column] = {}
        for part in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(part).items() if isinstance(value, Column)})
        return found

    @classmethod
    def frame(cls, rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
        """Build the typed frame from rows in the order of the columns; None is a missing value."""
        columns = cls.columns()
        # By column, so that no intermediate frame guesses the types.
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        return pd.DataFrame(
            {
                name: pd.Series(list(cells), dtype=column.dtype)
                for (name, column), cells in zip(columns.items(), values, strict=True)
            }
        )

    @classmethod
    def typed(cls, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the table's columns of ``frame``, in order, with their types and a fresh index."""
        columns = cls.columns()
        chosen = frame.loc[:, list(columns)].reset_index(drop=True)
        return chosen.astype({name: column.dtype for name, column in columns.items()})


class Vantage(Table):
    """Where it was measured; the unit of every comparison between networks."""

    country = Column(TEXT, "country of the vantage, ZZ when not known", "ISO 3166-1 alpha-2", "probe_cc")
    isp = Column(TEXT, "name of the vantage's network", "", "run.json vantage.isp, else probe_network_name")
    asn = Column(WHOLE, "number of that network, 0 when not known", "", "probe_asn")
    lab = Column(FLAG, "measured in the lab's emulated internet, not in the real one", "", "run.json lab")


#: The columns that name a vantage: what is grouped by "per ISP".
VANTAGE = list(Vantage.columns())


class Measurements(Vantage):
    """A row per measurement."""

    title = "measurements: a row per measurement"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    test_name = Column(TEXT, "web_connectivity, trace, resolve, ...", "", "test_name")
    input = Column(TEXT, "what was tested: URL, host:port or name", "", "input")
    host = Column(TEXT, "host of the input, as an A-label", "", "input")
    category = Column(TEXT, "category of the target", "Citizen Lab code", "x_gatewatch_target")
    start = Column(TIME, "when it began", "UTC", "measurement_start_time")
    runtime_s = Column(REAL, "how long it took", "s", "test_runtime")
    status = Column(
        TEXT,
        "ok, blocked, tampered, down, server_side or inconclusive; missing where nothing judges the test",
        "",
        "x_gatewatch_verdict; for other software's web_connectivity gatewatch.verdict",
    )
    layer = Column(
        TEXT,
        "dns, tcp, tls, http, quic or throttled, for blocked and tampered",
        "",
        "verdict",
    )
    method = Column(TEXT, "how, within the layer: nxdomain, reset, blockpage, ...", "", "verdict")
    label = Column(
        TEXT, "the verdict in one word: ok, blocked(tls.reset), inconclusive(no_control), ...", "", "verdict"
    )
    rule = Column(TEXT, "id of the rule that decided", "", "verdict")
    confidence = Column(REAL, "confidence of that rule", "0 to 1", "verdict")


class Hops(Vantage):
    """A row per trace reply, silence included."""

    title = "hops: a row per trace reply"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    trace = Column(WHOLE, "which trace, numbered in load order from 0", "", "counted")
    destination = Column(TEXT, "address traced to", "", "test_keys.destination")
    ttl = Column(WHOLE, "TTL of the probe: the hop's number from the vantage", "hops", "replies.ttl")
    address = Column(TEXT, "who answered; missing for silence", "", "replies.address")
    rtt_ms = Column(REAL, "round-trip time", "ms", "replies.rtt")
    icmp_type = Column(WHOLE, "ICMP type of the answer", "RFC 792", "replies.icmp_type")
    icmp_code = Column(WHOLE, "ICMP code of the answer", "RFC 792", "replies.icmp_code")
    reached = Column(FLAG, "whether the destination itself answered this trace", "", "test_keys.reached")


class Problems(Table):
    """A row per line that could not be read as it should."""

    title = "problems: a row per line that could not be read as it should"
    file = Column(TEXT, "the file", "", "path")
    line = Column(WHOLE, "line in it, from 1; 0 for the file as a whole", "", "counted")
    reason = Column(TEXT, "what is wrong", "", "reader")
    kept = Column(FLAG, "whether the rest of the line was loaded all the same", "", "reader")


class Verdicts(Vantage):
    """A row per ISP and target."""

    title = "matrix: a row per ISP and target"
    input = Column(
        TEXT, "the target; with the test's name, where it asked for no page", "", "measurements.input"
    )
    host = Column(TEXT, "its host", "", "measurements.host")
    category = Column(TEXT, "its category", "Citizen Lab code", "measurements.category")
    label = Column(
        TEXT,
        "ok, down, blocked(tls.reset), inconclusive(no_control), ...",
        "",
        "the commonest among the repeats",
    )
    status = Column(TEXT, "the verdict's status", "", "the commonest among the repeats that decide")
    layer = Column(TEXT, "the verdict's layer", "", "measurements.layer")
    method = Column(TEXT, "the verdict's method", "", "measurements.method")
    rule = Column(TEXT, "rule of the most confident repeat that agrees", "", "measurements.rule")
    confidence = Column(REAL, "mean over the repeats that agree", "0 to 1", "measurements.confidence")
    repeats = Column(WHOLE, "measurements of this target on this ISP", "count", "measurements")
    agree = Column(WHOLE, "of which bear this label", "count", "measurements")
    dead = Column(FLAG, "the site is dead on every ISP: never counted as blocked", "", "everywhere_down")


class Dead(Table):
    """A row per target that is dead everywhere."""

    title = "everywhere_down: a row per target that is dead on every ISP"
    lab = Column(FLAG, "measured in the lab", "", "matrix")
    input = Column(TEXT, "the target", "", "matrix")
    isps = Column(WHOLE, "ISPs that tested it", "count", "matrix")
    down = Column(WHOLE, "ISPs that found it down", "count", "matrix")
    blocked = Column(WHOLE, "ISPs whose verdict was a block that a dead site looks like", "count", "matrix")


class Share(Table):
    """How many are blocked, with an interval."""

    decided = Column(WHOLE, "targets that tell: ok, tampered, blocked or server_side", "count", "matrix")
    blocked = Column(WHOLE, "targets blocked", "count", "matrix")
    share = Column(REAL, "blocked / decided", "0 to 1", "matrix")
    low = Column(REAL, "lower end of the 95 % interval of the share", "0 to 1", "Wilson 1927")
    high = Column(REAL, "upper end of it", "0 to 1", "Wilson 1927")


class ByIsp(Share, Vantage):
    """A row per ISP."""

    title = "by_isp: a row per ISP"
    measurements = Column(WHOLE, "judged measurements", "count", "matrix")
    measured = Column(WHOLE, "targets measured", "count", "matrix")
    ok = Column(WHOLE, "targets reachable and untouched", "count", "matrix")
    tampered = Column(WHOLE, "targets reachable but touched", "count", "matrix")
    down = Column(WHOLE, "targets down, those dead on every ISP included", "count", "matrix")
    server_side = Column(WHOLE, "targets refused by the server itself", "count", "matrix")
    inconclusive = Column(WHOLE, "targets of which nothing can be said", "count", "matrix")


class ByLayer(Vantage):
    """A row per ISP, layer and method."""

    title = "by_layer: a row per ISP and blocking method"
    layer = Column(TEXT, "layer of the blocking", "", "matrix")
    method = Column(TEXT, "method of the blocking", "", "matrix")
    targets = Column(WHOLE, "targets blocked so", "count", "matrix")
    share = Column(REAL, "of the targets blocked on this ISP", "0 to 1", "matrix")


class ByCategory(Share, Vantage):
    """A row per ISP and category."""

    title = "by_category: a row per ISP and category"
    category = Column(TEXT, "category, or none", "Citizen Lab code", "matrix")
    measured = Column(WHOLE, "targets measured", "count", "matrix")


class Borders(Vantage):
    """A row per ISP and destination."""

    title = "borders: a row per ISP and destination"
    destination = Column(TEXT, "address traced to", "", "hops.destination")
    state = Column(
        TEXT,
        "found; domestic (the path never leaves); no last domestic hop; ends at home; cannot tell",
        "",
        "prefix table",
    )
    traces = Column(WHOLE, "traces to this destination", "count", "hops")
    support = Column(WHOLE, "of which give this very answer", "count", "hops")
    domestic_address = Column(TEXT, "last hop inside the country", "", "hops.address")
    domestic_asn = Column(WHOLE, "its network", "", "prefix table")
    domestic_country = Column(TEXT, "country its prefix is listed under", "", "prefix table")
    domestic_name = Column(TEXT, "name of its network", "", "prefix table")
    domestic_rtt_ms = Column(REAL, "its round-trip time, minimum over repeats", "ms", "hops.rtt_ms")
    domestic_ttl = Column(WHOLE, "its number on the path", "hops", "hops.ttl")
    foreign_address = Column(TEXT, "first hop outside", "", "hops.address")
    foreign_asn = Column(WHOLE, "its network", "", "prefix table")
    foreign_country = Column(TEXT, "country its prefix is listed under", "", "prefix table")
    foreign_name = Column(TEXT, "name of its network", "", "prefix table")
    foreign_rtt_ms = Column(REAL, "its round-trip time, minimum over repeats", "ms", "hops.rtt_ms")
    foreign_ttl = Column(WHOLE, "its number on the path", "hops", "hops.ttl")
    gap = Column(WHOLE, "hops between the two that tell nothing: silent, private or unlisted", "hops", "hops")
    silent = Column(WHOLE, "of which silent", "hops", "hops.address")
    private = Column(WHOLE, "of which with a private or withheld address", "hops", "RFC 6890")
    at_destination = Column(FLAG, "the first foreign hop is the destination itself", "", "hops")
    returns = Column(FLAG, "a domestic address answers again after the first foreign one", "", "hops")


class BorderByIsp(Vantage):
    """A row per ISP."""

    title = "border_by_isp: a row per ISP, its commonest border link"
    paths = Column(WHOLE, "destinations traced", "count", "borders")
    found = Column(WHOLE, "destinations whose path shows a border link", "count", "borders")
    support = Column(WHOLE, "of which cross the link named here", "count", "borders")
    links = Column(WHOLE, "different border links seen", "count", "borders")
    domestic_address = Column(TEXT, "last hop inside the country", "", "borders")
    domestic_asn = Column(WHOLE, "its network", "", "borders")
    domestic_name = Column(TEXT, "name of its network", "", "borders")
    domestic_rtt_ms = Column(REAL, "its round-trip time, minimum over paths", "ms", "borders")
    foreign_address = Column(TEXT, "first hop outside", "", "borders")
    foreign_asn = Column(WHOLE, "its network", "", "borders")
    foreign_country = Column(TEXT, "country its prefix is listed under", "", "borders")
    foreign_name = Column(TEXT, "name of its network", "", "borders")
    foreign_rtt_ms = Column(REAL, "its round-trip time, minimum over paths", "ms", "borders")
    gap = Column(WHOLE, "most hops between the two that tell nothing", "hops", "borders")


#: Every table, in the order of the documentation.
TABLES: tuple[type[Table], ...] = (
    Measurements,
    Hops,
    Problems,
    Verdicts,
    Dead,
    ByIsp,
    ByLayer,
    ByCategory,
    Borders,
    BorderByIsp,
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
