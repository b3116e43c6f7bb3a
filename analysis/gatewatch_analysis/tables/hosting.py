"""Where services are hosted: addresses, placements by period, shares, and moves."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Table

_PERIOD = "first day of the period"


class Service(Table):
    """A service as a country's vantages see it."""

    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "probe_cc")
    lab = Column(FLAG, "measured in the lab", "", "run.json lab")
    domain = Column(TEXT, "host name of the service", "", "observations.hostname")
    government = Column(FLAG, "its name is under the government's part of the country's domain", "", "domain")


class ServiceAddresses(Service):
    """A row per service, period and address."""

    title = "addresses: a row per service, period and address"
    period = Column(TIME, _PERIOD, "UTC", "observations.start")
    address = Column(TEXT, "an address that the name led to", "", "observations")
    proven = Column(
        FLAG,
        "a certificate valid for the name was shown there",
        "",
        "handshakes",
    )
    measurements = Column(WHOLE, "measurements that saw it", "count", "observations")
    asn = Column(WHOLE, "its network", "", "prefixes")
    network = Column(TEXT, "name of the network", "", "prefixes")
    listed = Column(TEXT, "country that its prefix is listed under", "ISO 3166-1 alpha-2", "prefixes")
    least_ms = Column(REAL, "shortest time to connect to it from the country", "ms", "connects")
    place = Column(TEXT, "inside, abroad, content network, or not known", "", "prefixes, content")
    caveat = Column(
        TEXT, "anycast: one address at many places; by DNS: the place depends on who asks", "", "content"
    )


class Placements(Service):
    """A row per service and period."""

    title = "placements: a row per service and period"
    period = Column(TIME, _PERIOD, "UTC", "addresses")
    place = Column(
        TEXT,
        "inside; abroad; both; content network, where all addresses are one's; not known",
        "",
        "addresses",
    )
    addresses = Column(WHOLE, "addresses", "count", "addresses")
    proven = Column(FLAG, "all of them are proven by certificate", "", "addresses")
    networks = Column(TEXT, "their networks", "", "addresses")
    caveat = Column(TEXT, "what keeps a place from being sure", "", "addresses")


class Hosting(Table):
    """A row per country, group of services and period."""

    title = "hosting: a row per country, group of services and period; the unit is the service"
    country = Column(TEXT, "country", "ISO 3166-1 alpha-2", "placements")
    lab = Column(FLAG, "measured in the lab", "", "placements")
    services = Column(TEXT, "government, others, or all", "", "placements")
    period = Column(TIME, _PERIOD, "UTC", "placements")
    counted = Column(WHOLE, "services seen", "count", "placements")
    inside = Column(WHOLE, "of which all addresses are listed inside the country", "count", "placements")
    abroad = Column(WHOLE, "of which all are listed abroad", "count", "placements")
    both = Column(WHOLE, "of which some are inside and some are not", "count", "placements")
    content = Column(WHOLE, "of which a content network answers: nobody knows where", "count", "placements")
    unknown = Column(WHOLE, "of which no address is listed", "count", "placements")
    inside_share = Column(REAL, "inside / (inside + abroad + both)", "0 to 1", "placements")
    inside_low = Column(REAL, "lower end of its 95 % interval", "0 to 1", "Wilson 1927")
    inside_high = Column(REAL, "upper end of it", "0 to 1", "Wilson 1927")
    least_share = Column(REAL, "inside, if every content network answers from abroad", "0 to 1", "placements")
    most_share = Column(REAL, "inside, if every one answers from within", "0 to 1", "placements")


class Moves(Service):
    """A row per service and change of its place."""

    title = "moves: a row per service and change of its place"
    before = Column(TEXT, "place before", "", "placements")
    after = Column(TEXT, "place after", "", "placements")
    last = Column(TIME, "last period of the one", "UTC", "placements")
    first = Column(TIME, "first period of the other", "UTC", "placements")
    periods_before = Column(WHOLE, "periods in a row seen at the one", "count", "placements")
    periods_after = Column(WHOLE, "periods in a row seen at the other", "count", "placements")
    networks_before = Column(TEXT, "networks before", "", "placements")
    networks_after = Column(TEXT, "networks after", "", "placements")
