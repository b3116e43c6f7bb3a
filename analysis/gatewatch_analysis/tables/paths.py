"""Which way packets went: paths, and the links on them."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Vantage


class Paths(Vantage):
    """A row per trace."""

    title = "paths: a row per trace, with its AS path"
    destination = Column(TEXT, "address traced to", "", "hops.destination")
    run = Column(TEXT, "the run folder's name, else the file's", "", "hops.run")
    trace = Column(WHOLE, "which trace", "", "hops.trace")
    start = Column(TIME, "when it began", "UTC", "hops.start")
    flow = Column(TEXT, "protocol and ports", "", "hops.flow")
    route = Column(
        WHOLE, "which route of this flow, from 0: another one only when the sequence of hops is", "", "hops"
    )
    changed = Column(
        WHOLE, "first TTL at which it differs from the route before; in a route's first trace", "hops", "hops"
    )
    length = Column(WHOLE, "highest TTL asked", "hops", "hops.ttl")
    silent = Column(WHOLE, "TTLs that nobody answered", "hops", "hops.address")
    reached = Column(FLAG, "whether the destination answered", "", "hops.reached")
    networks = Column(
        TEXT, "AS path: numbers, IX: before an exchange, * where hops tell nothing", "", "prefix table"
    )
    countries = Column(
        TEXT, "countries that the hops' prefixes are listed under, not where they stand", "", "prefix table"
    )


class Links(Vantage):
    """A row per route and link."""

    title = "links: a row per route and link, tunnels as one"
    destination = Column(TEXT, "address traced to", "", "hops.destination")
    flow = Column(TEXT, "protocol and ports", "", "hops.flow")
    route = Column(WHOLE, "which route of this flow, from 0", "", "paths.route")
    first = Column(TIME, "when the route was seen first", "UTC", "hops.start")
    last = Column(TIME, "when it was seen last", "UTC", "hops.start")
    kind = Column(
        TEXT, "link, gap (silent hops between) or span (routers counted in, as their times tell nothing)", "",
        "hops",
    )  # fmt: skip
    why = Column(
        TEXT, "of a span: labels (RFC 4950), quoted TTL (a tunnel without labels) or equal times", "", "hops"
    )
    near_ttl = Column(WHOLE, "the nearer router's number on the path", "hops", "hops.ttl")
    near_address = Column(TEXT, "the nearer router", "", "hops.address")
    near_asn = Column(WHOLE, "network that announces it", "", "prefix table")
    near_country = Column(TEXT, "country its prefix is listed under", "", "prefix table")
    near_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "prefix table")
    near_rtt_ms = Column(REAL, "its round-trip time, minimum over the route's traces", "ms", "hops.rtt_ms")
    far_ttl = Column(WHOLE, "the router behind it", "hops", "hops.ttl")
    far_address = Column(TEXT, "the router behind it", "", "hops.address")
    far_asn = Column(WHOLE, "network that announces it", "", "prefix table")
    far_country = Column(TEXT, "country its prefix is listed under", "", "prefix table")
    far_ixp = Column(TEXT, "exchange whose peering LAN it is in", "", "prefix table")
    far_rtt_ms = Column(REAL, "its round-trip time, minimum over the route's traces", "ms", "hops.rtt_ms")
    hidden = Column(WHOLE, "TTLs between the two", "hops", "hops")
    delta_ms = Column(
        REAL, "how much further the far end is; missing where that is less than nothing", "ms", "hops.rtt_ms"
    )
    backwards = Column(
        FLAG, "the far end seems over 1 ms nearer: another way back or a tunnel, not a short link", "",
        "hops.rtt_ms",
    )  # fmt: skip
    repeats = Column(WHOLE, "traces that heard both ends", "count", "hops")


class HopPlaces(Vantage):
    """A row per vantage, router and place where it may stand."""

    title = "hop_places: a row per router and place where it may stand"
    address = Column(TEXT, "the router", "", "hops.address")
    rtt_ms = Column(REAL, "its round-trip time, minimum over all traces of the vantage", "ms", "hops.rtt_ms")
    place_country = Column(TEXT, "a country where it may stand", "ISO 3166-1 alpha-2", "who says so")
    place = Column(TEXT, "the city, where one is told", "", "who says so")
    lat = Column(REAL, "its latitude", "degrees", "cities.csv")
    lon = Column(REAL, "its longitude", "degrees", "cities.csv")
    source = Column(
        TEXT,
        "who says so: name (reverse DNS), exchange (its peering LAN), listing (the prefix table); unknown",
        "",
        "hops.name, prefix table",
    )
    weight = Column(REAL, "the chance of this place", "0 to 1", "paths.places")
    rejected = Column(FLAG, "light cannot get there and back in that time", "", "paths.places")
