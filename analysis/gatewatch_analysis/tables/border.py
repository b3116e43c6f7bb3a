"""Where paths leave the country."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, WHOLE, Column, Vantage


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
    domestic_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "prefix table")
    domestic_rtt_ms = Column(REAL, "its round-trip time, minimum over repeats", "ms", "hops.rtt_ms")
    domestic_ttl = Column(WHOLE, "its number on the path", "hops", "hops.ttl")
    foreign_address = Column(TEXT, "first hop outside", "", "hops.address")
    foreign_asn = Column(WHOLE, "its network", "", "prefix table")
    foreign_country = Column(TEXT, "country its prefix is listed under", "", "prefix table")
    foreign_name = Column(TEXT, "name of its network", "", "prefix table")
    foreign_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "prefix table")
    foreign_rtt_ms = Column(REAL, "its round-trip time, minimum over repeats", "ms", "hops.rtt_ms")
    foreign_ttl = Column(WHOLE, "its number on the path", "hops", "hops.ttl")
    jump_ms = Column(REAL, "foreign less domestic round-trip time", "ms", "hops.rtt_ms")
    told_by = Column(
        TEXT,
        "what agrees with the link: network (another AS), listing (another country), exchange, time (the "
        "greatest step in round-trip time up to there)",
        "",
        "prefix table and hops",
    )
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
    domestic_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "borders")
    domestic_rtt_ms = Column(REAL, "its round-trip time, minimum over paths", "ms", "borders")
    foreign_address = Column(TEXT, "first hop outside", "", "borders")
    foreign_asn = Column(WHOLE, "its network", "", "borders")
    foreign_country = Column(TEXT, "country its prefix is listed under", "", "borders")
    foreign_name = Column(TEXT, "name of its network", "", "borders")
    foreign_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "borders")
    foreign_rtt_ms = Column(REAL, "its round-trip time, minimum over paths", "ms", "borders")
    jump_ms = Column(REAL, "foreign less domestic round-trip time", "ms", "borders")
    told_by = Column(TEXT, "what agrees with the link", "", "borders")
    gap = Column(WHOLE, "most hops between the two that tell nothing", "hops", "borders")
