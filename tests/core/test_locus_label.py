"""What kind of place a link is: each rule of the label, and that geography never overrules networks."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gatewatch.lab.country.scenario import load
from gatewatch.lab.scoring.examine import accepted, every
from gatewatch.locus import Vantage, label
from gatewatch.whereabouts import Prefix, PrefixTable, parse_prefixes

ROWS = (
    ("20.0.0.0/16", 1, "KH", "Ours", ""),
    ("20.0.9.0/24", 1, "SG", "Ours, listed abroad", ""),
    ("21.0.0.0/16", 2, "KH", "Another at home", ""),
    ("22.0.0.0/24", 3, "KH", "An exchange", "CNX"),
    ("30.0.0.0/16", 4, "HK", "A carrier", ""),
    ("30.1.0.0/16", 4, "HK", "A carrier", ""),
    ("30.2.0.0/24", 4, "KH", "A carrier, listed at home", ""),
    ("40.0.0.0/16", 5, "US", "A cloud", ""),
)
TABLE = PrefixTable(Prefix(ip_network(p), *rest) for p, *rest in ROWS)  # type: ignore[arg-type]
HERE = Vantage(1, "KH")
HOME, OWN, OWN2, LISTED, OTHER, IXP = (
    "192.168.1.1",
    "20.0.0.1",
    "20.0.0.2",
    "20.0.9.1",
    "21.0.0.1",
    "22.0.0.1",
)
HK, HK2, FALSE, US, NOBODY = "30.0.0.1", "30.1.0.1", "30.2.0.1", "40.0.0.1", "50.0.0.1"
WAY = (HOME, OWN, OWN2, OTHER, HK, HK2, US)


def said(path: tuple[str | None, ...], before: int, after: int, vantage: Vantage = HERE) -> str:
    """The label of a link on a path whose last address is the server's."""
    return label(vantage, list(enumerate(path, 1)), (before, after), len(path), TABLE).label


@pytest.mark.parametrize(
    ("path", "link", "expected"),
    [
        (WAY, (0, 1), "access"),
        (WAY, (2, 3), "access"),
        (WAY, (3, 4), "border"),  # it leads to the country's last router
        (WAY, (4, 5), "border"),
        (WAY, (5, 6), "foreign"),
        (WAY, (6, 7), "endpoint"),
        # Another network at home that is not the last.
        ((HOME, OWN, OTHER, "21.0.0.2", HK, US), (2, 3), "domestic-shared"),
        ((HOME, OWN, OTHER, "21.0.0.2", HK, US), (1, 2), "access"),
        ((HOME, OWN, IXP, "21.0.0.2", "21.0.0.3", "21.0.0.9"), (2, 3), "domestic-shared"),
        # Silence between two hops of one network is that network's.
        ((HOME, OWN, None, OWN2, OTHER, HK, US), (2, 3), "access"),
        ((HOME, OWN, None, OWN2, OTHER, HK, US), (3, 4), "access"),
        # Silence beside the border is anybody's.
        ((HOME, OWN, OWN2, None, HK, US), (2, 3), "unknown"),
        ((HOME, OWN, OWN2, None, HK, US), (3, 4), "unknown"),
        ((HOME, OWN, OWN2, None, HK, US), (4, 5), "unknown"),
        ((HOME, OWN, OWN2, None, HK, US), (3, 5), "border"),
        # A prefix nobody lists, or listed against its network's own country.
        ((HOME, OWN, NOBODY, HK, US), (2, 3), "unknown"),
        ((HOME, OWN, OWN2, FALSE, HK, US), (3, 4), "unknown"),
        ((HOME, OWN, OWN2, FALSE, HK, US), (2, 3), "unknown"),
        # Our own provider's routers are at home wherever they are listed.
        ((HOME, OWN, LISTED, OWN2, HK, US), (2, 3), "access"),
        ((HOME, OWN, LISTED, HK, US), (2, 3), "border"),
        # A way that comes home again.
        ((HOME, OWN, HK, OTHER, "21.0.0.2", "21.0.0.9"), (4, 5), "unknown"),
        ((HOME, OWN, HK, OTHER, "21.0.0.2", "21.0.0.9"), (3, 4), "unknown"),
        # A server abroad right behind a router at home may be anycast and stand at home.
        ((HOME, OWN, OWN2, US), (2, 3), "unknown"),
        ((HOME, OWN, OWN2, "20.0.7.7"), (2, 3), "access"),
    ],
)
def test_labels(path: tuple[str | None, ...], link: tuple[int, int], expected: str) -> None:
    assert said(path, *link) == expected


def test_without_knowledge_nothing_is_said() -> None:
    way = list(enumerate(WAY, 1))
    assert label(HERE, way, (4, 5), 7, None).label == "unknown"
    assert label(Vantage(1, "ZZ"), way, (4, 5), 7, TABLE).label == "unknown"
    # Which network is ours tells access from shared, and nothing else.
    assert said(WAY, 3, 4, Vantage(0, "KH")) == "border"
    assert said((HOME, OWN, OWN2, OTHER, HK, US), 2, 3, Vantage(0, "KH")) == "unknown"
    assert label(HERE, way, (6, 7), 7, None).label == "endpoint"


def test_the_loci_of_acceptance_scenarios_by_their_own_paths() -> None:
    """The truths K to N, from the routers that the scenario lists and its plan."""
    seen = 0
    for name in every():
        scenario, table = accepted(name)
        whereabouts = PrefixTable(parse_prefixes(scenario.prefixes_csv().splitlines(), lambda *_: None))
        for locus in table.locus:
            for isp in scenario.isps:
                if locus.isp in ("", isp.id):
                    path = scenario.route_for(isp, "93.184.216.34").hops
                    routers = [(ttl, None if hop.silent else hop.address) for ttl, hop in enumerate(path, 1)]
                    vantage = Vantage(isp.asn, scenario.country)
                    link = (locus.hop - 1, locus.hop)
                    found = label(vantage, routers, link, len(path) + 1, whereabouts)
                    assert found.label == locus.place, (name, isp.id, found)
                    seen += 1
    assert seen >= 8


def test_a_table_knows_exchanges_and_where_networks_are_at_home() -> None:
    wrong: list[tuple[int, str]] = []
    lines = ["prefix,asn,country,name,ixp", "22.0.0.0/24,3,kh,An exchange,CNX", "1.0.0.0/8,x,KH,?,"]
    table = PrefixTable(parse_prefixes(lines, lambda line, why: wrong.append((line, why))))
    found = table.lookup("22.0.0.9")
    assert found is not None and (found.ixp, found.country, table.home_of(3)) == ("CNX", "KH", "KH")
    assert (table.home_of(77), [line for line, _ in wrong]) == ("", [3])


def test_a_lab_country_is_its_own_table() -> None:
    table = PrefixTable(parse_prefixes(load("kh-2024").prefixes_csv().splitlines(), lambda *_: None))
    found = table.lookup("36.37.130.7")
    assert found is not None and (found.asn, found.country) == (38623, "KH")
