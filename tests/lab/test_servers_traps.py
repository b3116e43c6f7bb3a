"""The lab's malicious sites are as bad as they should be."""

import ssl
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.lab.visitor import Tls, ask, dial

from gatewatch.lab.apps import StreamApp
from gatewatch.lab.boxes.hostile import KNOWN
from gatewatch.lab.country.check import complete
from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import ScenarioError, load
from gatewatch.lab.country.traps import METHODS, TRAPS
from gatewatch.lab.servers.floods import CERTIFICATES, HTTP, TLS, Flood, Flooded
from gatewatch.lab.servers.floods_quic import QUIC
from gatewatch.lab.servers.http import Reply, Request
from gatewatch.lab.servers.traps import DOMAIN, NAMES, PRIVATE, bomb, labelled
from gatewatch.lab.world import World


def get(world: World, host: str) -> Reply:
    address = world.address_of(host)[0]
    handler = world.handler(address, 80)
    assert handler is not None
    return handler(Request("GET", "http", host, "/", {}, b"", "36.37.200.10", address, 80))


@pytest.mark.parametrize("name", NAMES)
def test_every_trap_is_set(name: str) -> None:
    world = World(load("small"))
    if labelled(name) in (*HTTP, *TLS):
        assert isinstance(flooding(world, name), Flood | Flooded)
        return
    reply = get(world, name)
    moved = [value for key, value in reply.headers if key == "Location"]
    assert bool(moved) is (reply.status == 302)
    assert moved or reply.length or reply.delay


def flooding(world: World, name: str) -> StreamApp:
    app, _ = dial(world, world.address_of(name)[0], 443)
    return app


def test_the_scenarios_words_are_those_that_there_are_traps_for() -> None:
    assert set(TRAPS) == {labelled(name) for name in NAMES} | set(QUIC)
    assert {kind: set(METHODS[kind]) for kind in KNOWN} == {kind: set(known) for kind, known in KNOWN.items()}


def test_a_host_is_a_trap_by_another_name() -> None:
    assert isinstance(flooding(World(load("hostile")), "dribbling-news.com"), Flooded)
    with pytest.raises(ScenarioError, match=r"host\[0\].trap: 'nonsense' is none of"):
        complete(replace(load("hostile"), hosts=(Host(("x.org",), trap="nonsense"),)))


def test_a_dribble_is_a_byte_a_minute_and_a_flood_is_not_held() -> None:
    world = World(load("small"))
    app, wire = dial(world, world.address_of(f"body-dribble.{DOMAIN}")[0], 80)
    app.data_received(ask(f"body-dribble.{DOMAIN}"))
    before = len(wire.take())
    for minute in range(3):
        seconds, drop = wire.waiting.pop()
        drop()
        assert (seconds, wire.take()) == (60.0, b"x"), minute
    assert before > 50
    words = HTTP["bomb-10-gb"]()
    inflated = zlib.decompressobj(31)
    size = len(inflated.decompress(words.first.partition(b"\r\n\r\n")[2]))
    assert [len(inflated.decompress(words.then)) for _ in range(20)] == [1 << 20] * 20 and size == 0
    assert len(words.then) < 2000


@pytest.mark.parametrize("label", TLS)
def test_traps_in_tls_leave_the_plain_port_alone(label: str) -> None:
    assert get(World(load("small")), f"{label}.{DOMAIN}").status == 200


@pytest.mark.parametrize("label", CERTIFICATES)
def test_certificates_are_larger_than_openssl_takes(label: str) -> None:
    world, name = World(load("small")), f"{label}.{DOMAIN}"
    with pytest.raises(ssl.SSLError, match="EXCESSIVE_MESSAGE_SIZE"):
        Tls(world, world.address_of(name)[0], name)


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


def test_every_trap_is_documented() -> None:
    text = Path(__file__).parents[2].joinpath("docs", "lab.md").read_text(encoding="utf-8")
    assert [label for label in (*TRAPS, *sum(METHODS.values(), ())) if f"`{label}`" not in text] == []
