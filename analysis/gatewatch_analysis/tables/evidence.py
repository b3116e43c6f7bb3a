"""The pieces of evidence for and against a gate, each a table of its own."""

from __future__ import annotations

from gatewatch_analysis.tables.base import FLAG, REAL, TEXT, TIME, WHOLE, Column, Table, Vantage


class Country(Table):
    """A country; the lab's emulation of it is counted apart."""

    country = Column(TEXT, "country of the vantages", "ISO 3166-1 alpha-2", "vantage")
    lab = Column(FLAG, "measured in the lab's emulated internet", "", "vantage")


class Exits(Country):
    """A row per country and kind of exit."""

    title = "exits: a row per country and kind of exit"
    exit = Column(
        TEXT,
        "last router at home, last network at home, first router abroad or first network abroad",
        "",
        "borders",
    )
    isps = Column(WHOLE, "ISPs with a border link", "count", "borders")
    paths = Column(WHOLE, "their paths, by destination", "count", "borders")
    hhi = Column(REAL, "sum of squared shares, ISPs counting alike", "0 to 1", "Herfindahl-Hirschman")
    hhi_low = Column(REAL, "lower end of its 95 % interval", "0 to 1", "bootstrap over ISPs")
    hhi_high = Column(REAL, "upper end of it", "0 to 1", "bootstrap over ISPs")
    effective = Column(REAL, "effective number of exits, 1 / hhi", "", "hhi")
    effective_low = Column(REAL, "lower end of its 95 % interval", "", "hhi_high")
    effective_high = Column(REAL, "upper end of it", "", "hhi_low")
    access_hhi = Column(
        REAL, "the same of the ISPs themselves: what no sharing at all would give", "0 to 1", "isps"
    )
    alike = Column(
        REAL, "how often two ISPs leave by the same one to one destination", "0 to 1", "pairs of ISPs"
    )
    chokepoints = Column(WHOLE, "fewest exits that take more than 90 % of the paths", "count", "Leyba 2019")
    potential = Column(REAL, "national chokepoint potential, 1 / chokepoints", "0 to 1", "Leyba 2019")
    largest = Column(TEXT, "the exit with most paths", "", "borders")
    largest_share = Column(REAL, "its share of the paths", "0 to 1", "borders")
    largest_isps = Column(WHOLE, "ISPs that use it", "count", "borders")


class Sellers(Vantage):
    """A row per ISP and domestic network on its way abroad."""

    title = "sellers: a row per ISP and other domestic network on its way abroad"
    network = Column(WHOLE, "the network", "AS number", "prefix table")
    name = Column(TEXT, "its name", "", "prefix table")
    paths = Column(WHOLE, "destinations abroad", "count", "hops")
    passing = Column(WHOLE, "of which the way passes it", "count", "hops")
    share = Column(REAL, "passing / paths", "0 to 1", "hops")


class Units(Vantage):
    """A row per ISP."""

    title = "units: a row per ISP, and with which others it hangs together"
    company = Column(TEXT, "whose network it is; missing where not known", "", "countries.toml")
    unit = Column(TEXT, "the last ISP that it depends on, itself where there is none", "", "sellers")
    size = Column(WHOLE, "ISPs in the unit", "count", "sellers")
    buys_from = Column(TEXT, "ISPs' networks on most of its ways abroad", "", "sellers")


class Places(Vantage):
    """A row per ISP and way of sending a name."""

    title = "places: a row per ISP and way of sending a name, where it is cut"
    method = Column(TEXT, "dns, syn, tls, http or quic", "", "loci")
    place = Column(
        TEXT,
        "inside, own border, crossing, shared at home, alone at home, at a seller or abroad",
        "",
        "loci of all ISPs",
    )
    node = Column(TEXT, "the network or router there that most ISPs share", "", "loci")
    sharing = Column(WHOLE, "other ISPs whose interference is there, too", "count", "loci")
    beyond = Column(TEXT, "for a border: the network abroad at the link's far end", "", "loci")
    loci = Column(WHOLE, "loci that it rests on", "count", "loci")
    agree = Column(WHOLE, "of which agree", "count", "loci")
    part = Column(REAL, "how much of the ISP this row stands for", "0 to 1", "1 / its methods")


class SharedNodes(Country):
    """A row per country."""

    title = "shared_nodes: a row per country, the node at home that most ISPs' interference shares"
    located = Column(WHOLE, "ISPs whose interference was placed", "count", "places")
    node = Column(TEXT, "network or router; missing where no two share one", "", "places")
    isps = Column(WHOLE, "ISPs at it", "count", "places")
    share = Column(REAL, "isps / located", "0 to 1", "places")
    low = Column(REAL, "what the share exceeds with 95 %", "0 to 1", "Jeffreys")
    nodes = Column(WHOLE, "different nodes", "count", "places")
    hhi = Column(REAL, "sum of squared shares of ISPs over nodes, at most 1", "0 to 1", "places")


class ContrastByIsp(Vantage):
    """A row per ISP."""

    title = "contrast_by_isp: a row per ISP, on which ways names are cut"
    names = Column(WHOLE, "names tried", "count", "contrasts")
    foreign_only = Column(WHOLE, "of which cut on the way abroad alone", "count", "contrasts")
    both = Column(WHOLE, "of which cut on both ways", "count", "contrasts")
    domestic_only = Column(WHOLE, "of which cut at home alone", "count", "contrasts")
    neither = Column(WHOLE, "of which pass on both", "count", "contrasts")
    conclusion = Column(TEXT, "the commonest; missing for a tie", "", "contrasts")


class ContrastSigns(Country):
    """A row per country."""

    title = "contrast_signs: a row per country, and whether the two ways differ"
    isps = Column(WHOLE, "ISPs with a conclusion", "count", "contrast_by_isp")
    foreign_only = Column(WHOLE, "of which abroad alone", "count", "contrast_by_isp")
    both = Column(WHOLE, "of which on both ways", "count", "contrast_by_isp")
    domestic_only = Column(WHOLE, "of which at home alone", "count", "contrast_by_isp")
    neither = Column(WHOLE, "of which on neither", "count", "contrast_by_isp")
    p_value = Column(
        REAL, "chance of so many abroad alone if both ways were alike, one-sided", "0 to 1", "McNemar 1947"
    )


class Mechanisms(Vantage):
    """A row per ISP, target and mechanism."""

    title = "mechanisms: a row per ISP, target and mechanism"
    input = Column(TEXT, "the target", "", "measurements")
    mechanism = Column(TEXT, "layer.method", "", "measurements")
    count = Column(WHOLE, "measurements blocked so", "count", "measurements")


class Uniformity(Country):
    """A row per country and target, and one over all."""

    title = "uniformity: a row per country and target (all: over all of them)"
    subject = Column(TEXT, "the target, or all", "", "mechanisms")
    isps = Column(WHOLE, "ISPs that block it", "count", "mechanisms")
    mechanisms = Column(WHOLE, "different mechanisms", "count", "mechanisms")
    u = Column(
        REAL,
        "U: part of the variety that the ISP explains; missing where there is none",
        "0 to 1",
        "Theil 1972",
    )
    p = Column(REAL, "P: how often two ISPs have the same main mechanism", "0 to 1", "pairs of ISPs")
    main = Column(TEXT, "the commonest main mechanism", "", "mechanisms")
    main_isps = Column(WHOLE, "ISPs whose main mechanism it is", "count", "mechanisms")


class ListPairs(Country):
    """A row per pair of ISPs, and per ISP with two rounds."""

    title = "list_pairs: a row per two ISPs, or per two rounds of one"
    isp = Column(TEXT, "one ISP", "", "measurements")
    asn = Column(WHOLE, "its network", "", "measurements")
    isp2 = Column(TEXT, "the other", "", "measurements")
    asn2 = Column(WHOLE, "its network", "", "measurements")
    repeat = Column(FLAG, "two rounds of one ISP", "", "measurements")
    common = Column(WHOLE, "targets that both decided", "count", "measurements")
    blocked = Column(WHOLE, "of which the first blocks", "count", "measurements")
    blocked2 = Column(WHOLE, "of which the second blocks", "count", "measurements")
    jaccard = Column(REAL, "blocked by both / blocked by either", "0 to 1", "Jaccard 1901")


class ListAgreement(Country):
    """A row per country."""

    title = "list_agreement: a row per country"
    isps = Column(WHOLE, "ISPs compared", "count", "list_pairs")
    pairs = Column(WHOLE, "pairs of ISPs", "count", "list_pairs")
    mean = Column(REAL, "mean index between ISPs", "0 to 1", "list_pairs")
    low = Column(REAL, "lower end of its 95 % interval", "0 to 1", "bootstrap over ISPs")
    high = Column(REAL, "upper end of it", "0 to 1", "bootstrap over ISPs")
    repeats = Column(WHOLE, "ISPs with two rounds", "count", "list_pairs")
    ceiling = Column(REAL, "mean index of two rounds of one ISP", "0 to 1", "list_pairs")
    ratio = Column(REAL, "mean / ceiling", "", "list_pairs")


class BoxTypes(Vantage):
    """A row per ISP and way of sending a name."""

    title = "box_types: a row per ISP and method with enough habits to compare"
    method = Column(TEXT, "dns, syn, tls, http or quic", "", "loci")
    type = Column(WHOLE, "which type, numbered within country and method", "", "habits compared")
    isps = Column(WHOLE, "ISPs with this type", "count", "habits compared")
    same_as = Column(TEXT, "the others of them", "", "habits compared")
    habits = Column(TEXT, "what is known of it", "", "loci")


class Onsets(Vantage):
    """A row per ISP and target."""

    title = "onsets: a row per ISP and target that was seen free and then blocked"
    input = Column(TEXT, "the target", "", "measurements")
    free = Column(TIME, "last seen free", "UTC", "measurements.start")
    blocked = Column(TIME, "first seen blocked", "UTC", "measurements.start")
    before = Column(WHOLE, "verdicts before", "count", "measurements")
    after = Column(WHOLE, "verdicts after", "count", "measurements")
    misfits = Column(WHOLE, "of all, on the wrong side", "count", "measurements")


class OnsetSpread(Country):
    """A row per country and target."""

    title = "onset_spread: a row per country and target that two ISPs began to block"
    input = Column(TEXT, "the target", "", "onsets")
    isps = Column(WHOLE, "ISPs whose beginning is known", "count", "onsets")
    first = Column(TIME, "earliest time seen free", "UTC", "onsets")
    last = Column(TIME, "latest time first seen blocked", "UTC", "onsets")
    least_min = Column(REAL, "how far apart the first and the last are at least", "min", "onsets")
    most_min = Column(REAL, "and at most", "min", "onsets")
    width_min = Column(REAL, "how sharply a beginning is known, median", "min", "onsets")


class Carriers(Country):
    """A row per country and first network abroad."""

    title = "carriers: a row per country and first network abroad, against who is affected"
    network = Column(WHOLE, "the network", "AS number", "borders")
    name = Column(TEXT, "its name", "", "borders")
    through = Column(WHOLE, "ISPs whose paths pass it", "count", "borders")
    affected = Column(WHOLE, "of which something interferes with", "count", "verdicts and loci")
    others = Column(WHOLE, "ISPs whose paths do not", "count", "borders")
    others_affected = Column(WHOLE, "of which something interferes with", "count", "verdicts and loci")
    abroad = Column(
        WHOLE, "of those through it, ISPs whose interference was placed abroad", "count", "places"
    )
    p_value = Column(
        REAL, "chance of so many affected through it if it had nothing to do with it", "0 to 1", "Fisher 1934"
    )


class Identifiable(Country):
    """A row per country."""

    title = "identifiable: a row per country, whether a gate could be told from a common way out"
    isps = Column(WHOLE, "ISPs measured", "count", "units")
    units = Column(WHOLE, "of which do not hang together", "count", "units")
    effective = Column(REAL, "effective number of first networks abroad", "", "exits")
    alike = Column(REAL, "how often two ISPs leave by the same to one destination", "0 to 1", "exits")
    node = Column(TEXT, "the most shared node of interference", "", "shared_nodes")
    node_sells = Column(FLAG, "whether it is an ISP's network", "", "units")
    behind = Column(WHOLE, "networks abroad that the ways part to behind it", "count", "borders")
    around = Column(WHOLE, "ISPs whose ways do not pass it", "count", "borders")
    told = Column(FLAG, "whether a gate could be told; missing where no way out is known", "", "all of these")
    why = Column(TEXT, "why not", "", "all of these")
