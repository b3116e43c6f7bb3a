"""The lab's malicious sites are as bad as they should be."""

import zlib

import pytest

from gatewatch.lab.country.scenario import load
from gatewatch.lab.servers.http import Reply, Request
from gatewatch.lab.servers.traps import DOMAIN, NAMES, PRIVATE, bomb
from gatewatch.lab.world import World


def get(world: World, host: str) -> Reply:
    address = world.address_of(host)[0]
    handler = world.handler(address, 80)
    assert handler is not None
    return handler(Request("GET", "http", host, "/", {}, b"", "36.37.200.10", address, 80))


@pytest.mark.parametrize("name", NAMES)
def test_every_trap_is_set(name: str) -> None:
    reply = get(World(load("small")), name)
    moved = [value for key, value in reply.headers if key == "Location"]
    assert bool(moved) is (reply.status == 302)
    assert moved or reply.length or reply.delay


def test_a_page_without_end_is_not_held() -> None:
    reply = get(World(load("small")), f"endless.{DOMAIN}")
    assert reply.length > 9_900_000_000 and len(reply.piece) < 100_000


def test_the_bomb_unfolds() -> None:
    packed = bomb()
    assert len(packed) < 300_000
    fuse = zlib.decompressobj(31)
    assert len(fuse.decompress(packed, 1 << 20)) == 1 << 20 and fuse.unconsumed_tail


@pytest.mark.parametrize(("name", "addresses"), PRIVATE.items())
def test_names_of_private_addresses(name: str, addresses: tuple[str, ...]) -> None:
    world = World(load("small"))
    assert world.address_of(name) == addresses
    assert not any(world.exists(address) for address in addresses)
