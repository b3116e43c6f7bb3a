"""Whose cable carries the traffic: crossings, what may carry them, and whether that is Chinese."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Table, Vantage


class CrossingKeys(Vantage):
    """What names a crossing."""

    month = Column(TEXT, "the month of the traces; empty where not told", "YYYY-MM", "hops.start")
    domestic_address = Column(TEXT, "last hop inside the country", "", "borders")
    foreign_address = Column(TEXT, "first hop outside", "", "borders")
    far_address = Column(TEXT, "far end of what is taken as one span around the border", "", "links")


class Crossings(CrossingKeys):
    """A row per crossing: border link of an ISP in a month."""

    title = "crossings: a row per border link of an ISP in a month"
    destinations = Column(WHOLE, "destinations whose path goes over it", "count", "borders")
    first = Column(TIME, "first day", "UTC", "hops.start")
    last = Column(TIME, "last day", "UTC", "hops.start")
    domestic_asn = Column(WHOLE, "network of the last hop inside", "", "prefix table")
    foreign_asn = Column(WHOLE, "network of the first hop outside", "", "prefix table")
    behind = Column(TEXT, "networks of the hops from there to one behind the far end", "", "prefix table")
    near_rtt_ms = Column(REAL, "round-trip time at the near end, minimum", "ms", "hops.rtt_ms")
    far_rtt_ms = Column(REAL, "round-trip time at the far end, minimum", "ms", "hops.rtt_ms")
    delta_ms = Column(
        REAL, "how much further the far end is; missing where that is less than nothing", "ms", "hops.rtt_ms"
    )
    untold = Column(WHOLE, "hops between the border's two sides that tell nothing", "hops", "borders")
    why = Column(TEXT, "why routers are counted in: labels, quoted TTL, equal times", "", "links")
    far_country = Column(TEXT, "where the far end most likely stands", "ISO 3166-1 alpha-2", "places")
    far_place = Column(TEXT, "the city, where one is told", "", "places")
    far_weight = Column(REAL, "the chance of that country", "0 to 1", "places")
    far_source = Column(TEXT, "who says so", "", "places")
    rejected = Column(TEXT, "countries that were said and that light rules out", "", "places")


class Candidates(CrossingKeys):
    """A row per crossing and system that may carry it."""

    title = "candidates: a row per crossing and system that may carry it"
    candidate = Column(TEXT, "id in cables.toml or links.toml; terrestrial, unlisted, abstain", "", "cables")
    name = Column(TEXT, "its name", "", "cables")
    kind = Column(
        TEXT, "sea, land (a listed link), terrestrial (no list holds it), unlisted (by sea), abstain", "", ""
    )
    weight = Column(
        REAL, "its chance; 0 where only another place of the far end would allow it", "0 to 1", "cables.weigh"
    )
    borders = Column(
        WHOLE, "land borders on the way beside the cable, or by land in all", "count", "lands.csv"
    )
    here = Column(TEXT, "landing or crossing on this side", "", "cables.toml")
    there = Column(TEXT, "landing or crossing on the other side", "", "cables.toml")
    least_ms = Column(REAL, "no answer can come sooner on this way", "ms", "light")
    likely_ms = Column(REAL, "as soon as it mostly comes", "ms", "cables.ways")
    in_service = Column(FLAG, "whether it was in service; missing where not known", "", "cables.toml")
    owned = Column(FLAG, "a Chinese owner; missing where not known", "", "owners.toml")
    built = Column(FLAG, "a Chinese builder", "", "owners.toml")
    operated = Column(FLAG, "a Chinese operator or landing party", "", "owners.toml")
    matched = Column(TEXT, "companies at the border that have a part in it", "", "owners.toml")


class Bounds(Table):
    """How much is Chinese."""

    attribute = Column(TEXT, "owned, built, operated or carrier", "", "cables.attributes")
    p_min = Column(
        REAL, "the chance that it is Chinese, all that is not resolved being not", "0 to 1", "candidates"
    )
    p_max = Column(REAL, "the chance, all that is not resolved being so", "0 to 1", "candidates")
    low = Column(
        REAL, "the Chinese share is no less, in 95 of 100 cases at the worst", "0 to 1", "cables.shares"
    )
    high = Column(
        REAL, "the Chinese share is no more, in 95 of 100 cases at the worst", "0 to 1", "cables.shares"
    )


class ChineseCrossings(Bounds, CrossingKeys):
    """A row per crossing and attribute."""

    title = "chinese: a row per crossing and attribute"


class Counted(Bounds):
    """How much is Chinese, of how many."""

    paths = Column(
        WHOLE, "paths that cross the border: destinations, over all crossings", "count", "crossings"
    )
    crossings = Column(WHOLE, "crossings", "count", "crossings")
    draws = Column(WHOLE, "of which independent: an ISP's to one country count as one", "count", "crossings")


class IspMonth(Vantage):
    """An ISP in a month."""

    month = Column(TEXT, "the month of the traces; empty where not told", "YYYY-MM", "crossings")


class ChineseByIsp(Counted, IspMonth):
    """A row per ISP, month and attribute."""

    title = "chinese_by_isp: a row per ISP, month and attribute"


class CountryMonth(Table):
    """A country in a month."""

    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "crossings")
    lab = Column(FLAG, "measured in the lab", "", "crossings")
    month = Column(TEXT, "the month of the traces; empty where not told", "YYYY-MM", "crossings")
    isps = Column(WHOLE, "ISPs, each counting the same", "count", "crossings")


class ChineseByCountry(Counted, CountryMonth):
    """A row per country, month and attribute."""

    title = "chinese_by_country: a row per country, month and attribute"
