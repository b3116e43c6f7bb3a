"""The world: addresses, who answers where, and that it is cheap."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.lab.visitor import Wire

from gatewatch.lab.country.scenario import load
from gatewatch.lab.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("kh-2024"))


@pytest.fixture(scope="module")
def small() -> World:
    return World(load("small"))


def test_world_is_cheap_to_build() -> None:
    scenario = load("kh-2024")
    began = time.process_time()
    World(scenario)
    assert time.process_time() - began < 0.3


def test_every_name_has_its_own_address_and_back(world: World) -> None:
    names = [f"www.site-{i}.org" for i in range(3000)]
    addresses = [address for name in names for address in world.address_of(name)]
    assert len(set(addresses)) == len(addresses) > 2500
    for name in names:
        for address in world.address_of(name):
            assert world.names_at(address) == (name,)


def test_addresses_are_the_same_in_every_world_and_letter_case() -> None:
    one, two = World(load("methods")), World(load("methods"))
    names = [f"site-{i}.org" for i in range(50)]
    there = {name: two.address_of(name) for name in reversed(names)}
    assert {name: one.address_of(name.upper()) for name in names} == there


def test_domestic_sites_live_in_the_country(world: World) -> None:
    scenario = load("kh-2024")
    for name, country in (("www.mptc.gov.kh", "KH"), ("www.ababank.com", "KH"), ("www.rfa.org", "")):
        network = scenario.network_of(world.address_of(name)[0])
        assert network is not None
        assert (network.country == "KH") is (country == "KH")


def test_names_that_do_not_exist(small: World) -> None:
    for name in ("dead.com", "www.dead.com", "router", "x.invalid", "x.test", "www.example", "a.localhost"):
        assert small.address_of(name) == ()
    assert small.address_of("example.org") != ()


def test_states_of_sites(small: World) -> None:
    live, refused, vanished = (small.address_of(f"{n}.com")[0] for n in ("live", "refused", "vanished"))
    assert [small.exists(a) for a in (live, refused, vanished)] == [True, True, False]
    assert small.accept(live, 443, Wire(live, 443)) is not None
    assert small.accept(live, 8443, Wire(live, 8443)) is not None
    assert small.accept(live, 444, Wire(live, 444)) is None
    assert small.accept(refused, 443, Wire(refused, 443)) is None


def test_bogons_swallow_packets_and_any_other_literal_exists(small: World) -> None:
    for bogon in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "203.0.113.9", "240.0.0.1"):
        assert not small.exists(bogon)
    assert small.exists("124.225.213.74")
    assert small.accept("124.225.213.74", 80, Wire("124.225.213.74", 80)) is not None


def test_metfones_false_address_vanishes_and_the_methods_one_serves(world: World) -> None:
    assert not world.exists("203.190.164.182")
    page = World(load("methods"))
    assert page.exists("202.58.101.80")
    assert page.accept("202.58.101.80", 80, Wire("202.58.101.80", 80)) is not None
    assert page.accept("202.58.101.80", 443, Wire("202.58.101.80", 443)) is None


def test_routers_resolvers_and_clients_serve_no_web(world: World) -> None:
    for address in ("36.37.242.53", "36.37.200.10", "63.218.205.13"):
        assert world.accept(address, 80, Wire(address, 80)) is None
        assert world.datagram(address, 33434, ("36.37.200.10", 5), b"probe") is None


def test_shared_hosting() -> None:
    scenario = load("small")
    sites = replace(scenario.sites, shared=(("one.com", "two.com"),))
    world = World(replace(scenario, sites=sites))
    assert world.address_of("two.com") == world.address_of("one.com")
    assert world.names_at(world.address_of("one.com")[0]) == ("one.com", "two.com")


def test_twins_have_two_addresses(world: World) -> None:
    counts = [len(world.address_of(f"twin-{i}.com")) for i in range(400)]
    assert 30 < counts.count(2) < 100


def test_holes_resolve_but_swallow_everything() -> None:
    world = World(load("blackhole"))
    address = world.address_of("hole-17.lab-targets.net")[0]
    assert not world.exists(address)
    assert world.exists(world.address_of("site-17.lab-targets.net")[0])
