"""IPv6 in the world: who has AAAA records, what they lead to, and what scenarios must say for it."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from tests.lab.visitor import CLIENT, dial

from gatewatch.lab.country.scenario import ScenarioError, load, names
from gatewatch.lab.country.sites import split
from gatewatch.lab.servers.addresses import is_bogon
from gatewatch.lab.servers.known import HELPERS, RESOLVERS
from gatewatch.lab.world import World
from gatewatch.net import dnswire

SIX = Path(__file__).resolve().parents[2] / "src/gatewatch/lab/scenarios/six.toml"
RESOLVER6 = "2401:f3c0:53::53"


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("six"))


def asked(world: World, name: str, qtype: str, server: str) -> tuple[str, ...]:
    reply = world.datagram(server, 53, (CLIENT, 5353), dnswire.query(name, qtype, 7))
    assert reply
    return dnswire.parse(reply).addresses


def test_the_share_of_sites_with_both_families_is_what_the_scenario_says(world: World) -> None:
    both = sum(len(world.address_of(f"site-{i}.com")) == 2 for i in range(400))
    assert 160 < both < 240


def test_a_name_has_the_same_records_in_every_world_and_its_address_leads_back(world: World) -> None:
    other = World(load("six"))
    found = {name: world.address_of(name) for name in (f"site-{i}.org" for i in range(200))}
    assert {name: other.address_of(name) for name in reversed(found)} == found
    six = [(name, addresses[1]) for name, addresses in found.items() if len(addresses) == 2]
    assert len({address for _, address in six}) == len(six) > 50
    for name, address in six:
        assert world.names_at(address) == (name,)
        assert world.exists(address)
        assert not is_bogon(address)
        assert str(ipaddress.IPv6Address(address)) == address


def test_sites_at_home_have_their_addresses_at_home(world: World) -> None:
    scenario = load("six")
    for i in range(40):
        for address in world.address_of(f"site-{i}.com.kh"):
            network = scenario.network_of(address)
            assert network is not None
            assert network.country == "KH"


@pytest.mark.parametrize("server", ["36.37.242.53", RESOLVER6, "8.8.8.8", "2001:4860:4860::8888"])
def test_resolvers_of_either_family_tell_each_family_apart(world: World, server: str) -> None:
    name = next(n for n in (f"site-{i}.com" for i in range(40)) if len(world.address_of(n)) == 2)
    four, six = world.address_of(name)
    assert asked(world, name, "A", server) == (four,)
    assert asked(world, name, "AAAA", server) == (six,)
    assert asked(world, "only-six.com", "A", server) == ()
    assert len(asked(world, "only-six.com", "AAAA", server)) == 1


def test_a_resolver_asked_over_ipv6_asks_from_its_own_address(world: World) -> None:
    assert asked(world, "whoami.akamai.net", "A", RESOLVER6) == ("36.37.242.53",)
    assert asked(world, "whoami.akamai.net", "A", "2001:4860:4860::8888") == ("8.8.8.8",)


def test_a_site_serves_on_its_ipv6_address_too(world: World) -> None:
    (address,) = world.address_of("only-six.com")
    app, wire = dial(world, address, 80)
    app.data_received(b"GET / HTTP/1.1\r\nHost: only-six.com\r\n\r\n")
    assert b"<title>only-six.com" in bytes(wire.sent)
    assert world.accept(address, 22, wire) is None


def test_resolvers_and_helpers_have_ipv6_addresses_in_their_networks(world: World) -> None:
    scenario = load("six")
    for addresses in (*HELPERS.values(), *(r.addresses for r in RESOLVERS if r.names[:1] == ("dns.google",))):
        owners = {network.asn for a in addresses if (network := scenario.network_of(a)) is not None}
        assert len(owners) == 1
        assert any(":" in address for address in addresses)
    dial(world, HELPERS["0.th.ooni.org"][1], 443)


@pytest.mark.parametrize("name", names())
def test_no_address_of_a_packaged_scenario_is_for_documentation(name: str) -> None:
    scenario = load(name)
    machines = [a for a in scenario.machines if not ipaddress.ip_address(a).is_private]
    assert not [address for address in machines if is_bogon(address)]
    for network in scenario.networks:
        assert not any(is_bogon(str(ipaddress.ip_network(prefix)[0])) for prefix in network.prefixes)


def test_a_literal_of_either_family_needs_no_dns() -> None:
    assert split("http://[2606:4700::1111]:8080/x").literal
    assert not split("http://six.com/").literal


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('ipv6 = "broken"', 'ipv6 = "brocken"', "isp[1].ipv6: 'brocken' is none of none, works, broken"),
        ('client6 = "2403:5b40:24::10"\n', "", "isp[1].client6: missing with broken IPv6"),
        (
            "2401:f3c0:200::10",
            "2606:4700::10",
            "isp[0].client6: 2606:4700::10 is outside the networks of AS38",
        ),
        ("2401:f3c0:200::10", "2401:f3c0:200:0::10", "write it as 2401:f3c0:200::10"),
        ('2401:f3c0:200::1"', '36.37.1.1"', "isp[0].path[0].address6: '36.37.1.1' is not an IPv6 address"),
        ("ms = 12.0", "ms = 12.0, labels = [1048576]", "route[0].path[0].labels[0]: 1048576 is no label"),
        ("ms = 12.0", "ms = 12.0, mtu = 1000", "route[0].path[0].mtu: is not between 1280 and 1500"),
        ("ms = 12.0", "ms = 12.0, icmp_burst = 0", "route[0].path[0].icmp_burst: must be at least 1"),
        ("ms = 12.0", "ms = 12.0, back = -2", "route[0].path[0].back: -2 is not a number of routers"),
        ("ms = 12.0", 'ms = 12.0, parallel = ["x"]', "route[0].path[0].parallel[0]: 'x' is not an IPv4"),
        ('salt = "tcp"', 'salt = "tcp"\nbranch = 2', "isp[0].box[1].branch: 2 is none of 1 routers"),
        ('country = "KH"\n', 'country = "KH"\nloss = 2\n', "loss: 2.0 is not a share between 0 and 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = SIX.read_text("utf-8")
    assert old in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(str(path))
    assert message in str(caught.value)
