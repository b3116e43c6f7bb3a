"""What changed when: daily series, interruptions at events, placebo dates, and joint changes."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Table, Vantage


class Series(Vantage):
    """A row per ISP, subject and day."""

    title = "series: a row per ISP, subject and day"
    subject = Column(TEXT, "what is counted: all, dns, tcp, ..., a category or a host", "", "measurements")
    day = Column(TIME, "the day", "UTC", "measurements.start")
    hits = Column(WHOLE, "targets blocked that day", "count", "measurements.status")
    trials = Column(WHOLE, "targets decided that day", "count", "measurements.status")


class TargetDays(Vantage):
    """A row per ISP, target and day."""

    title = "by_target: a row per ISP, target and day on which it was decided"
    day = Column(TIME, "the day", "UTC", "measurements.start")
    input = Column(TEXT, "the target", "", "measurements")
    of = Column(
        TEXT, "what it counts for: all, its category or host; missing: for every layer", "", "by_target"
    )
    hit = Column(TEXT, "where it is blocked, that or the layer; missing where it is not", "", "by_target")


class Interruptions(Vantage):
    """A row per event, ISP and subject."""

    title = "interruptions: a row per event, ISP and subject"
    event = Column(TEXT, "id of the event", "", "events.csv")
    expects = Column(TEXT, "change, nothing or context: said before anybody looked", "", "events.csv")
    subject = Column(TEXT, "what is counted", "", "series")
    date = Column(TIME, "first day after the event, as it is known", "UTC", "events.csv")
    days_before = Column(WHOLE, "days with measurements before it", "days", "series")
    days_after = Column(WHOLE, "days with measurements after it", "days", "series")
    level = Column(REAL, "change of the share blocked at the event", "-1 to 1", "segmented regression")
    low = Column(REAL, "lower end of its 95 % interval", "-1 to 1", "Newey and West 1987")
    high = Column(REAL, "upper end of it", "-1 to 1", "Newey and West 1987")
    trend = Column(REAL, "change of the share's slope at the event", "per day", "segmented regression")
    placebos = Column(WHOLE, "dates without an event at which the same was computed", "count", "placebo")
    placebo_share = Column(
        REAL, "share of dates, this one and the placebos, with a step as large", "0 to 1", "placebo"
    )
    placebo_largest = Column(REAL, "largest step at a placebo date", "0 to 1", "placebo")
    outcome = Column(
        TEXT,
        "up, down, none, or cannot tell: too few days or placebo dates, or other targets after than before",
        "",
        "all of these",
    )


class EventAnswers(Table):
    """A row per event and subject: the ISPs together."""

    title = "event_answers: a row per event and subject, the ISPs together"
    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "interruptions")
    lab = Column(FLAG, "measured in the lab", "", "interruptions")
    event = Column(TEXT, "id of the event", "", "events.csv")
    text = Column(TEXT, "what happened", "", "events.csv")
    expects = Column(TEXT, "change, nothing or context", "", "events.csv")
    subject = Column(TEXT, "what is counted", "", "series")
    isps = Column(WHOLE, "ISPs of which something can be told", "count", "interruptions")
    up = Column(WHOLE, "ISPs on which the share stepped up", "count", "interruptions")
    down = Column(WHOLE, "ISPs on which it stepped down", "count", "interruptions")
    median_level = Column(REAL, "median step over those ISPs", "-1 to 1", "interruptions")
    sign_p = Column(REAL, "probability of so one-sided a split by chance, two-sided", "0 to 1", "sign test")
    answer = Column(
        TEXT,
        "as expected, not as expected, detector fired, quiet as expected, changed, no change, cannot tell",
        "",
        "all of these",
    )


class JointChanges(Table):
    """A row per time at which several ISPs changed."""

    title = "joint_changes: a row per time at which ISPs changed together"
    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "changes")
    lab = Column(FLAG, "measured in the lab", "", "changes")
    subject = Column(TEXT, "what is counted", "", "changes")
    date = Column(TIME, "first day of the new levels, the median of several", "UTC", "statistics")
    low = Column(TIME, "earliest day that a 95 % interval holds", "UTC", "statistics")
    high = Column(TIME, "latest day", "UTC", "statistics")
    probability = Column(
        REAL,
        "that two ISPs or more changed on one day; or, for days apart, that it was not by chance",
        "0 to 1",
        "statistics.together; events.joint.by_chance",
    )
    closeness = Column(TEXT, "one day, or within 28 days", "", "events.joint")
    isps = Column(WHOLE, "ISPs that took part", "count", "statistics")
    of = Column(WHOLE, "ISPs measured on both sides of that day", "count", "series")
    direction = Column(TEXT, "up, down or mixed", "", "series")
    spread_days = Column(
        WHOLE, "from the first to the last of their own most probable days", "days", "statistics"
    )
    event = Column(
        TEXT,
        "id of the sharpest event whose days meet the interval; missing where none does",
        "",
        "events.csv",
    )
    expects = Column(TEXT, "what that event lets expect", "", "events.csv")
    chance = Column(
        REAL, "share of the days measured that are near some event of the timeline", "0 to 1", "events.csv"
    )


class Evaluations(Table):
    """A row per registered prediction."""

    title = "evaluations: a row per prediction that was registered"
    prediction = Column(TEXT, "its id", "", "predictions.toml")
    registered = Column(TEXT, "the day on which it was written down", "", "predictions.toml")
    country = Column(TEXT, "country it speaks of", "ISO 3166-1 alpha-2", "predictions.toml")
    lab = Column(FLAG, "measured in the lab", "", "vantage")
    placebo = Column(FLAG, "it says that nothing will be found", "", "predictions.toml")
    claim = Column(TEXT, "what it says", "", "predictions.toml")
    state = Column(
        TEXT,
        "holds, fails, cannot tell, or to come: its event has not happened, and this is the baseline",
        "",
        "computed",
    )
    measured = Column(TEXT, "what was measured for it, in words", "", "computed")
    value = Column(REAL, "the measure; missing where there is none", "as the measure", "computed")
    isps = Column(WHOLE, "ISPs that this rests on", "count", "computed")
