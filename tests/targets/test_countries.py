from __future__ import annotations

import io

import pytest

from gatewatch_targets import DataError, networks
from gatewatch_targets.carriers import carriers
from gatewatch_targets.countries import countries, parse_countries
from gatewatch_targets.reference import open_data
from gatewatch_targets.tree import read_tree

TEXT = """
[KH]
name = "Cambodia"
regulator = "TRC"
ministry = "MPTC"
[[KH.isps]]
name = "Metfone"
asn = [38623]
access = "mobile"
source = "imap"
[[KH.isps.stakes]]
holder = "Viettel"
state = "VN"
share = 100
as_of = "2016"
source = "recall"
[[KH.gateways]]
name = "NIG"
operators = ["Metfone"]
asn = [38623]
status = "planned"
since = "2021-02-16"
places = ["Bavet"]
source = "recall"
[[KH.exchanges]]
name = "CNX"
asn = [132213]
prefixes = ["103.7.144.0/24"]
source = "cnx"
[[KH.resolvers]]
isp = "Metfone"
addresses = ["8.8.8.8"]
role = "service"
confidence = "low"
source = "recall"
[[KH.laws]]
name = "A law"
since = "2018-05"
says = "Something"
source = "recall"
[[KH.risks]]
about = "a thing"
says = "Careful"
source = "recall"
"""


def parse(text: str) -> None:
    parse_countries(read_tree(io.BytesIO(text.encode()), "countries.toml"))


def test_the_four_countries() -> None:
    found = countries()
    assert list(found) == ["KH", "NP", "TH", "MY"]
    for country in found.values():
        assert country.isps and country.gateways and country.exchanges and country.laws and country.risks


def test_who_belongs_to_a_state() -> None:
    by_name = {isp.name: isp for country in countries().values() for isp in country.isps}
    assert by_name["Metfone"].states == ("VN",)
    assert by_name["Telecom Cambodia"].stakes[0].share is None  # the state owns it; no source says how much
    assert (by_name["Nepal Telecom"].stakes[0].share, by_name["True"].states) == (91.53, ("CN",))
    assert by_name["National Telecom (NT)"].stakes[0].share == 100
    # A dated share has a date, and a share from memory is none.
    for isp in by_name.values():
        for stake in isp.stakes:
            assert stake.share is None or (stake.as_of is not None and "recall" not in stake.source)


def test_a_network_belongs_to_one_provider_and_none_is_left_over() -> None:
    isp = countries()["TH"].isp_of(38040)
    assert isp is not None and isp.name == "National Telecom (NT)"
    assert countries()["KH"].isp_of(38040) is None
    placed = {
        network.asn
        for country in countries().values()
        for part in (country.isps, country.exchanges, country.gateways)
        for entry in part
        for network in entry.networks
    }
    placed.update(network.asn for carrier in carriers().values() for network in carrier.networks)
    # iseek: whether it is Cambodian at all is not established.
    assert {network.asn for network in networks()} - placed == {9723}


def test_facts_have_sources_and_addresses_are_sourced() -> None:
    resolvers = [resolver for country in countries().values() for resolver in country.resolvers]
    assert not countries()["KH"].resolvers  # none is documented: they are found when measuring
    assert all("recall" not in resolver.source for resolver in resolvers)
    addresses = [address for resolver in resolvers for address in resolver.addresses]
    assert len(addresses) == len(set(addresses)) == 20


def test_what_is_well_formed_is_read() -> None:
    parse(TEXT)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[KH]", "[KHM]", "KHM: 'KHM' is not a two-letter country code"),
        ('name = "Cambodia"', "", "KH.name: is missing"),
        ('regulator = "TRC"', "regulator = 1", "KH.regulator: '1' is not a text"),
        ('ministry = "MPTC"', 'minstry = "MPTC"', "KH.minstry: is not read here"),
        ("asn = [38623]\naccess", "asn = [1]\naccess", "KH.isps[0].asn[0]: 1 is not in networks.csv"),
        ("asn = [38623]\naccess", "asn = [4788]\naccess", "KH.isps[0].asn[0]: 4788 is of MY in networks.csv"),
        ("asn = [38623]\naccess", "asn = 38623\naccess", "KH.isps[0].asn: '38623' is not a list"),
        ("asn = [38623]\naccess", "asn = ['38623']\naccess", "KH.isps[0].asn[0]: '38623' is not a whole"),
        ("asn = [38623]\naccess", "access", "KH.isps[0].asn: is missing"),
        ('access = "mobile"', 'access = "smoke"', "KH.isps[0].access: 'smoke' is not one of mobile"),
        ('source = "imap"', 'source = "hearsay"', "KH.isps[0].source: 'hearsay' is not a key of sources.csv"),
        ('state = "VN"', 'state = "Vietnam"', "KH.isps[0].stakes[0].state: 'Vietnam' is not a two-letter"),
        ("share = 100", "share = 101", "KH.isps[0].stakes[0].share: 101 is not a share in per cent"),
        ("share = 100", "share = -1", "KH.isps[0].stakes[0].share: -1 is not a share in per cent"),
        ("share = 100", "share = 'all'", "KH.isps[0].stakes[0].share: 'all' is not a number"),
        ('as_of = "2016"', 'as_of = "2016-13"', "KH.isps[0].stakes[0].as_of: '2016-13' is not in the cal"),
        ('operators = ["Metfone"]', 'operators = ["X"]', "KH.gateways[0].operators[0]: 'X' is no provider"),
        ('status = "planned"', 'status = "soon"', "KH.gateways[0].status: 'soon' is not one of planned"),
        ('since = "2021-02-16"', 'since = "2021-02-30"', "KH.gateways[0].since: '2021-02-30' is not in"),
        ('since = "2021-02-16"', 'since = "last year"', "KH.gateways[0].since: 'last year' is not a date"),
        ('places = ["Bavet"]', 'places = [""]', "KH.gateways[0].places[0]: is empty"),
        ("asn = [132213]", "asn = [38623]", "KH.exchanges[0].asn[0]: 38623 stands at KH.isps[0] already"),
        ("103.7.144.0/24", "103.7.144.1/24", "KH.exchanges[0].prefixes[0]: '103.7.144.1/24' is not a prefix"),
        ('isp = "Metfone"', 'isp = "X"', "KH.resolvers[0].isp: 'X' is no provider of this country"),
        ('"8.8.8.8"', '"10.0.0.1"', "KH.resolvers[0].addresses[0]: '10.0.0.1' is not a public address"),
        ('"8.8.8.8"', '"dns.example"', "KH.resolvers[0].addresses[0]: 'dns.example' is not a public"),
        ('role = "service"', 'role = "x"', "KH.resolvers[0].role: 'x' is not one of service, egress"),
        ('confidence = "low"', 'confidence = "L"', "KH.resolvers[0].confidence: 'L' is not one of high"),
        ('since = "2018-05"', 'since = "2018-5"', "KH.laws[0].since: '2018-5' is not a date"),
        ('says = "Something"', "", "KH.laws[0].says: is missing"),
        ('about = "a thing"', 'abuot = "a"', "KH.risks[0].abuot: is not read here"),
    ],
)
def test_errors_name_file_and_path(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(DataError) as caught:
        parse(TEXT.replace(old, new, 1))
    assert str(caught.value).startswith(f"countries.toml: {message}")


def test_a_name_twice_is_named() -> None:
    again = '[[KH.isps]]\nname = "Metfone"\nasn = []\naccess = "mobile"\nsource = "imap"\n[[KH.gateways]]'
    with pytest.raises(DataError, match=r"KH\.isps\[1\]\.name: 'Metfone' stands at KH\.isps\[0\] already"):
        parse(TEXT.replace("[[KH.gateways]]", again))


def test_the_file_is_read_by_tools_that_know_toml_alone() -> None:
    with open_data("countries.toml") as stream:
        assert read_tree(stream, "countries.toml").keys() == tuple(countries())
