"""Shutdowns and outages: who reached anything at all, and when nothing was heard any more."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Table, Vantage


class Attempts(Vantage):
    """A row per attempt to reach a target."""

    title = "attempts: a row per attempt to reach a target"
    run = Column(TEXT, "the run folder's name, else the file's", "", "path")
    start = Column(TIME, "when it began", "UTC", "measurement_start_time")
    target = Column(TEXT, "host of the target", "", "input")
    silent = Column(
        FLAG,
        "nothing came back from anywhere; else something did, be it a refusal or a block",
        "",
        "attempts",
    )
    abroad = Column(
        FLAG, "the target's address is outside the vantage's country; missing where not known", "", "prefixes"
    )


class Outages(Vantage):
    """A row per time in which an ISP's visits were silent; a visit is a run's attempts within an hour."""

    title = "outages: a row per ISP and time in which visits met silence; the unit is the visit"
    scope = Column(TEXT, "the ISP, or some lines: visits between them were answered", "", "visits")
    start = Column(TIME, "first silent visit", "UTC", "visits")
    after = Column(TIME, "last visit before it that was answered: it began in between", "UTC", "visits")
    end = Column(TIME, "last silent visit", "UTC", "visits")
    before = Column(
        TIME,
        "first visit after it that was answered: it ended in between; missing if none was",
        "UTC",
        "visits",
    )
    visits = Column(
        WHOLE, "visits in it: a run's attempts within an hour, five targets or more", "count", "visits"
    )
    silent = Column(WHOLE, "of which four of five targets or more did not answer", "count", "visits")
    targets = Column(WHOLE, "most targets of a silent visit", "count", "attempts")
    share_beside = Column(REAL, "share of silent visits before or after, the lower one", "0 to 1", "visits")
    probability = Column(REAL, "that the share of silent visits changed", "0 to 1", "statistics.changes")
    reach = Column(
        TEXT,
        "everything; abroad: targets inside the country answered; not known: too few there were tried",
        "",
        "attempts.abroad",
    )


class Stops(Vantage):
    """A row per unusual gap in an ISP's measurements."""

    title = "stops: a row per ISP and time without any measurement, where that is unusual for it"
    last = Column(TIME, "last measurement before", "UTC", "attempts")
    next = Column(TIME, "first measurement after; missing if there is none", "UTC", "attempts")
    hours = Column(REAL, "how long it lasted, to the end of the data if it did not end", "h", "attempts")
    usual_hours = Column(REAL, "longest other gap of this ISP", "h", "attempts")
    chance = Column(
        REAL,
        "chance of so long a gap anywhere, if measurements came as often and at random",
        "0 to 1",
        "Poisson",
    )


class Shutdowns(Table):
    """A row per time in which networks of a country were silent, or not heard of."""

    title = "shutdowns: a row per time in which networks of a country were silent, or not heard of"
    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "attempts")
    lab = Column(FLAG, "measured in the lab", "", "attempts")
    kind = Column(
        TEXT,
        "failures: attempts were made and met silence; measurements stopped: none were made, which proves "
        "nothing",
        "",
        "outages, stops",
    )
    scope = Column(
        TEXT,
        "some lines, one ISP, several ISPs (others answered), every ISP heard",
        "",
        "outages, attempts",
    )
    start = Column(TIME, "when it was seen to begin on the first ISP", "UTC", "outages, stops")
    end = Column(
        TIME,
        "when it was last seen on the last; missing where it lasts to the end of the data",
        "UTC",
        "outages, stops",
    )
    isps = Column(WHOLE, "ISPs heard at the time, or silent", "count", "attempts")
    out = Column(WHOLE, "of which met silence: four of five visits, or some lines", "count", "visits")
    answered = Column(WHOLE, "of which visits were answered all the same", "count", "visits")
    stopped = Column(WHOLE, "ISPs of which unusually nothing was heard", "count", "stops")
    reach = Column(TEXT, "everything, abroad, or not known", "", "outages")
    probability = Column(
        REAL,
        "that visits changed, on the surest ISP or on all together; of stops, that the gaps are unusual",
        "0 to 1",
        "outages, stops",
    )
    share_low = Column(
        REAL,
        "at least this share of the country's ISPs was out: 95 % interval's lower end",
        "0 to 1",
        "Wilson 1927",
    )
    names = Column(TEXT, "the ISPs that were out, or stopped", "", "outages, stops")
