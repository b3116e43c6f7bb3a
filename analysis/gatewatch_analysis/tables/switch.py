"""Ways abroad that came to lead through a network at home: when, on which ISPs, and what else changed."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Table, Vantage


class Switches(Table):
    """A row per day on which the ways abroad of two ISPs or more came to lead through one network at home."""

    title = "switches: a row per day on which ways abroad came to lead through a network at home"
    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "hops")
    lab = Column(FLAG, "measured in the lab", "", "hops")
    node = Column(TEXT, "the network, as AS and number, or the exchange", "", "prefix table")
    name = Column(TEXT, "its name", "", "prefix table")
    at = Column(TIME, "first day behind it, the most probable one", "UTC", "statistics.together")
    low = Column(TIME, "lower end of the 95 % interval of that day", "UTC", "statistics.together")
    high = Column(TIME, "upper end of it", "UTC", "statistics.together")
    probability = Column(REAL, "that two ISPs or more changed on one day", "0 to 1", "statistics.together")
    isps = Column(WHOLE, "ISPs that changed then", "count", "statistics.together")
    of = Column(WHOLE, "ISPs that were traced before and after it", "count", "hops")
    names = Column(TEXT, "their names, comma-separated", "", "hops")
    either = Column(TEXT, "ISPs that changed then or at another step: their days fit both", "", "hops")
    router = Column(TEXT, "the commonest last router at home on their ways since then", "", "hops")
    router_isps = Column(WHOLE, "how many of them leave by it on most of their ways", "count", "hops")
    alike_before = Column(REAL, "P: share of pairs of them with one main method, before", "0 to 1", "methods")
    alike_after = Column(REAL, "the same, since then", "0 to 1", "methods")
    located = Column(WHOLE, "of them, ISPs on which interference was located since then", "count", "loci")
    located_there = Column(WHOLE, "of these, ISPs on which it is at that network", "count", "loci")


class PassedDays(Table):
    """A row per network that ways abroad came to lead through, and day."""

    title = "passed_days: a row per network that ways abroad came to lead through, and day"
    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "hops")
    lab = Column(FLAG, "measured in the lab", "", "hops")
    node = Column(TEXT, "the network", "", "switches")
    day = Column(TIME, "the day", "UTC", "hops.start")
    isps = Column(WHOLE, "ISPs with traces abroad that day", "count", "hops")
    through = Column(WHOLE, "of these, ISPs most of whose ways led through it", "count", "hops")
    blocking = Column(WHOLE, "ISPs that blocked something that day", "count", "measurements")
    method = Column(TEXT, "the main method of most ISPs behind it, at the end", "", "methods")
    by_method = Column(WHOLE, "of those that blocked, ISPs whose main method it was", "count", "methods")


class Passes(Vantage):
    """A row per ISP and network that some ISPs' ways abroad came to lead through."""

    title = "passes: a row per ISP and network that ways abroad came to lead through"
    node = Column(TEXT, "the network", "", "switches")
    state = Column(
        TEXT,
        "since (its ways changed), all along, not behind it (never since the last change), or cannot tell",
        "",
        "hops",
    )
    at = Column(TIME, "since: the first day behind it, by this ISP's days alone", "UTC", "statistics.changes")
    low = Column(TIME, "lower end of its 95 % interval", "UTC", "statistics.changes")
    high = Column(TIME, "upper end of it", "UTC", "statistics.changes")
    probability = Column(REAL, "that its ways changed at all", "0 to 1", "statistics.changes")
    days = Column(WHOLE, "days with traces abroad since the last ISPs changed", "count", "hops")
    through = Column(WHOLE, "of these, days on which most ways led through it", "count", "hops")
    at_most = Column(REAL, "upper 95 % bound of that share of days", "0 to 1", "Jeffreys")
    router = Column(TEXT, "the commonest last router at home since then", "", "hops")
    method_before = Column(TEXT, "main method by which it blocked before", "", "measurements")
    method_after = Column(TEXT, "main method since then", "", "measurements")
    method_at = Column(TIME, "day on which its main method changed", "UTC", "statistics.changes")
    method_low = Column(TIME, "lower end of the 95 % interval", "UTC", "statistics.changes")
    method_high = Column(TIME, "upper end of it", "UTC", "statistics.changes")
    method_probability = Column(REAL, "that its main method changed", "0 to 1", "statistics.changes")
