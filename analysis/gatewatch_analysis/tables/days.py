"""What is blocked from day to day: rates with their units, by ISP, domain and country, and what changed."""

from __future__ import annotations

from gatewatch_analysis.tables.base import (
    CATEGORY,
    FLAG,
    REAL,
    TEXT,
    TIME,
    WHOLE,
    Column,
    Table,
    Vantage,
)

_DOMAIN = "host of the target; with the test's name, where it asked for no page"


class DomainOfIsp(Vantage):
    """An ISP and a domain."""

    domain = Column(TEXT, _DOMAIN, "", "measurements.host")


class DayOfIsp(Table):
    """An ISP, a domain and a day; of millions of rows, text is kept once and numbered."""

    country = Column(CATEGORY, "country of the vantage, ZZ when not known", "ISO 3166-1 alpha-2", "probe_cc")
    isp = Column(CATEGORY, "name of the vantage's network", "", "measurements.isp")
    asn = Column(WHOLE, "number of that network, 0 when not known", "", "probe_asn")
    lab = Column(FLAG, "measured in the lab's emulated internet, not in the real one", "", "run.json lab")
    domain = Column(CATEGORY, _DOMAIN, "", "measurements.host")
    day = Column(TIME, "the day", "UTC", "measurements.start")


class DayOfCountry(Table):
    """A country, a domain and a day."""

    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "by_day")
    lab = Column(FLAG, "measured in the lab", "", "by_day")
    domain = Column(TEXT, _DOMAIN, "", "by_day")
    day = Column(TIME, "the day", "UTC", "by_day")


class Rates(Table):
    """How often there was interference, and how often by a known sign, each with an interval."""

    decided = Column(WHOLE, "of which tell: ok, tampered, blocked or server_side", "count", "settle")
    anomalies = Column(
        WHOLE,
        "of which met interference: blocked, or tampered, that is reached but touched",
        "count",
        "settle",
    )
    blocked = Column(WHOLE, "of which blocked", "count", "settle")
    confirmed = Column(
        WHOLE, "of which by a known sign: a block page's or an address's fingerprint", "count", "settle, rule"
    )
    anomaly_share = Column(REAL, "anomalies / decided", "0 to 1", "settle")
    anomaly_low = Column(REAL, "lower end of its 95 % interval", "0 to 1", "Wilson 1927")
    anomaly_high = Column(REAL, "upper end of it", "0 to 1", "Wilson 1927")
    confirmed_share = Column(REAL, "confirmed / decided", "0 to 1", "settle")
    confirmed_low = Column(REAL, "lower end of its 95 % interval", "0 to 1", "Wilson 1927")
    confirmed_high = Column(REAL, "upper end of it", "0 to 1", "Wilson 1927")


class Days(Rates, DayOfIsp):
    """A row per ISP, domain and day; counted are runs."""

    title = "by_day: a row per ISP, domain and day; the unit is the run"
    status = Column(CATEGORY, "what most runs of the day say", "", "settle")
    label = Column(CATEGORY, "the commonest verdict among those", "", "settle")
    layer = Column(CATEGORY, "its layer", "", "settle")
    method = Column(CATEGORY, "its method", "", "settle")
    measurements = Column(WHOLE, "judged measurements", "count", "measurements")
    stood_in = Column(
        WHOLE, "of which other vantages' results stood in for a control", "count", "judge_again control_from"
    )
    units = Column(
        WHOLE,
        "runs that measured it; repeats within one, http and https, and all of its pages are one unit",
        "count",
        "measurements.run",
    )
    dead = Column(
        FLAG, "dead on every ISP within three days before and after: not counted as decided", "", "dead_days"
    )


class Domains(Rates, DomainOfIsp):
    """A row per ISP and domain; counted are days."""

    title = "by_domain: a row per ISP and domain; the unit is the day"
    days = Column(WHOLE, "days on which it was measured", "count", "by_day")
    effective_days = Column(
        REAL,
        "independent days that the decided ones are worth, as days follow each other alike",
        "count",
        "Bayley and Hammersley 1946",
    )
    first_day = Column(TIME, "first day decided", "UTC", "by_day")
    last_day = Column(TIME, "last day decided", "UTC", "by_day")
    blocked_from = Column(TIME, "first day blocked", "UTC", "by_day")
    blocked_to = Column(TIME, "last day blocked", "UTC", "by_day")
    method = Column(TEXT, "way in which it is blocked on most days, as layer.method", "", "by_day")
    method_share = Column(REAL, "of the days blocked", "0 to 1", "by_day")
    methods = Column(WHOLE, "different ways on days blocked", "count", "by_day")
    switches = Column(
        WHOLE, "times that the way differs from that of the day blocked before", "count", "by_day"
    )


class CountryDays(Rates, DayOfCountry):
    """A row per country, domain and day; counted are ISPs."""

    title = "by_country: a row per country, domain and day; the unit is the ISP"
    units = Column(WHOLE, "ISPs that measured it", "count", "by_day")


class Consistency(DomainOfIsp):
    """A row per ISP and domain: do different tests say the same?"""

    title = "consistency: a row per ISP and domain, test against test"
    tests = Column(WHOLE, "different tests that decide", "count", "measurements.test_name")
    blocked_by = Column(TEXT, "those that find it blocked, with the way", "", "settle")
    open_by = Column(TEXT, "those that do not", "", "settle")
    days = Column(WHOLE, "days on which two tests or more decide", "count", "settle")
    agree = Column(WHOLE, "of which all say blocked, or none", "count", "settle")
    same_layer = Column(
        WHOLE, "days on which two or more say blocked, and all of those on one layer", "count", "settle"
    )
    blocked_days = Column(WHOLE, "days on which two or more say blocked", "count", "settle")


class BlockChanges(DomainOfIsp):
    """A row per change of an ISP's blocking of a domain."""

    title = "changes: a row per ISP, domain and change"
    change = Column(TEXT, "began or ended: the share blocked rose or fell", "", "statistics.changes")
    at = Column(TIME, "most probable first day of the new level", "UTC", "statistics.changes")
    low = Column(TIME, "earliest day within its 95 % interval", "UTC", "statistics.changes")
    high = Column(TIME, "latest day within it", "UTC", "statistics.changes")
    probability = Column(REAL, "that the level changed here at all", "0 to 1", "Fearnhead 2006")
    p_value = Column(
        REAL, "chance of so clear a change if days were in any other order", "0 to 1", "permutation test"
    )
    days_before = Column(WHOLE, "days decided on the level before", "count", "by_day")
    days_after = Column(WHOLE, "days decided on the level after", "count", "by_day")
    share_before = Column(REAL, "of those before: blocked", "0 to 1", "by_day")
    share_after = Column(REAL, "of those after: blocked", "0 to 1", "by_day")


class CommonChanges(Table):
    """A row per domain and date at which several ISPs of a country changed."""

    title = "common_changes: a row per domain and change of several ISPs"
    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "by_day")
    lab = Column(FLAG, "measured in the lab", "", "by_day")
    domain = Column(TEXT, _DOMAIN, "", "by_day")
    at = Column(TIME, "most probable common day", "UTC", "statistics.together")
    low = Column(TIME, "earliest day within its 95 % interval", "UTC", "statistics.together")
    high = Column(TIME, "latest day within it", "UTC", "statistics.together")
    together = Column(REAL, "probability that two ISPs or more changed on one day", "0 to 1", "together")
    apart = Column(REAL, "probability that they changed, each on a day of its own", "0 to 1", "together")
    isps = Column(WHOLE, "ISPs measured before and after", "count", "by_day")
    changed = Column(WHOLE, "of which changed then", "count", "together")
    names = Column(TEXT, "which", "", "together")
    spread = Column(WHOLE, "days between the first and the last of their own dates", "days", "together")
