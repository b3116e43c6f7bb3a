"""DNS boxes with the habits of real ones: who is answered, how often, from which hop, in which family."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.village import PUBLIC_RESOLVER, RESOLVER, assert_sound, bench, box, run, udp
from tests.lab.village import scenario as village_scenario

from gatewatch.lab.boxes import build
from gatewatch.lab.country.parts import Box
from gatewatch.lab.country.scenario import load
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine
from gatewatch.lab.world import World
from gatewatch.net import dnswire

# RFC 5737: nobody resolves there, and nobody's packets arrive.
NOBODY = "198.51.100.53"
AT_BOX = 3.0  # the bench's boxes stand at hop 2, 1.5 ms away


def query(name: str = "www.bad.com", qtype: str = "A", txid: int = 77) -> bytes:
    return dnswire.query(name, qtype, txid)


def heard(answer: bytes) -> dnswire.Reply:
    assert_sound(answer)
    return dnswire.parse(p.payload(answer))


def test_an_injector_answers_several_times_with_several_addresses() -> None:
    injector = box(
        "dns-inject", resolvers="all", method="redirect", address="9.9.9.1", lies=("9.9.9.2",), answers=3
    )
    engine, _ = bench(injector)
    got = run(engine, udp(PUBLIC_RESOLVER, 53, query()))
    assert [(when, heard(a).addresses) for when, a in got[:3]] == [
        (AT_BOX, ("9.9.9.1",)),
        (AT_BOX, ("9.9.9.2",)),
        (AT_BOX, ("9.9.9.1",)),
    ]
    ((_, true),) = got[3:]
    assert p.payload(true).startswith(b"true ")


def test_an_injector_does_not_ask_who_listens() -> None:
    # From https://gfw.report/publications: any UDP packet to port 53 that passes is answered.
    engine, _ = bench(box("dns-inject", resolvers="all", method="redirect", address="9.9.9.1", hop=5))
    answers = run(engine, udp(NOBODY, 53, query(), ttl=5))
    assert [heard(a).addresses for _, a in answers if p.protocol(a) == p.UDP] == [("9.9.9.1",)]
    # The question itself went on and expired at the router behind the injector.
    assert [p.protocol(a) for _, a in answers] == [p.UDP, p.ICMP]
    assert [p.protocol(a) for _, a in run(engine, udp(NOBODY, 53, query(), ttl=4))] == [p.ICMP]
    assert [p.protocol(a) for _, a in run(engine, udp(NOBODY, 53, query("good.com"), ttl=5))] == [p.ICMP]


def test_a_forged_aaaa_record_where_there_is_one_to_forge() -> None:
    with6 = box("dns-inject", resolvers="all", method="redirect", address="9.9.9.1", lies=("2001:db8::1",))
    engine, _ = bench(with6)
    first, *_ = run(engine, udp(PUBLIC_RESOLVER, 53, query(qtype="AAAA")))
    assert heard(first[1]).addresses == ("2001:db8::1",)
    engine, _ = bench(box("dns-inject", resolvers="all", method="redirect", address="9.9.9.1"))
    first, *_ = run(engine, udp(PUBLIC_RESOLVER, 53, query(qtype="AAAA")))
    assert (heard(first[1]).rcode, heard(first[1]).addresses) == (0, ())


@pytest.mark.parametrize(
    ("method", "rcode"), [("servfail", 2), ("refused", 5), ("empty", 0), ("nxdomain", 3)]
)
def test_a_resolver_that_fails(method: str, rcode: int) -> None:
    engine, _ = bench(box("dns-lie", method=method, resolvers="isp"))
    ((_, answer),) = run(engine, udp(RESOLVER, 53, query()))
    assert (heard(answer).rcode, heard(answer).addresses) == (rcode, ())


def small(*boxes: Box) -> tuple[Engine, World]:
    world = World(load("small"))
    return Engine(village_scenario(*boxes), "bench", world, clock=lambda: 0.0), world


@pytest.mark.parametrize("hop", [1, 2, 4, 6])
def test_a_proxy_answers_every_name_whoever_is_asked_and_nothing_goes_beyond(hop: int) -> None:
    proxy = Box(
        "dns-proxy", hop, frozenset({"bad.com"}), method="redirect", address="9.9.9.1", resolvers="all"
    )
    engine, world = small(proxy)
    # The village's resolver is none of the world's; let it be one.
    world._plain_dns.add(RESOLVER)
    for server in (PUBLIC_RESOLVER, "9.9.9.10", NOBODY):
        for name, said in (("www.bad.com", ("9.9.9.1",)), ("rfa.org", world.address_of("rfa.org"))):
            ((_, answer),) = run(engine, udp(server, 53, query(name), ttl=hop))
            assert heard(answer).addresses == said
            assert p.source(answer) == bytes(map(int, server.split(".")))
            assert p.ttl(answer) == 64 - (hop - 1)
        if hop > 1:
            ((_, expired),) = run(engine, udp(server, 53, query("rfa.org"), ttl=hop - 1))
            assert p.protocol(expired) == p.ICMP
    # Who answers is not who was asked.
    ((_, answer),) = run(engine, udp(PUBLIC_RESOLVER, 53, query("whoami.akamai.net")))
    assert heard(answer).addresses == (RESOLVER,)
    # Another port is nobody's business: the packet goes on.
    ((_, other),) = run(engine, udp(PUBLIC_RESOLVER, 33434, b"?", ttl=6))
    assert p.protocol(other) == p.ICMP


def test_a_proxy_without_an_order_tells_the_truth_about_all_names() -> None:
    engine, world = small(Box("dns-proxy", 2, resolvers="all"))
    world._plain_dns.add(RESOLVER)
    ((_, answer),) = run(engine, udp(PUBLIC_RESOLVER, 53, query()))
    assert heard(answer).addresses == world.address_of("www.bad.com") != ()


def test_a_proxy_swallows_what_its_resolver_does_not_understand() -> None:
    engine, world = small(Box("dns-proxy", 2, resolvers="all"))
    world._plain_dns.add(RESOLVER)
    assert run(engine, udp(PUBLIC_RESOLVER, 53, b"?")) == []


def test_rewriting_touches_only_what_does_not_exist() -> None:
    engine, _ = bench(Box("dns-rewrite", 2, address="36.37.242.94", resolvers="isp"))
    ((_, answer),) = run(engine, udp(RESOLVER, 53, query("no-such-name.com")))
    assert (heard(answer).rcode, heard(answer).addresses) == (0, ("36.37.242.94",))
    for name, qtype, server in (
        ("good.com", "A", RESOLVER),
        ("no-such-name.com", "AAAA", RESOLVER),
        ("no-such-name.com", "A", PUBLIC_RESOLVER),
    ):
        ((_, true),) = run(engine, udp(server, 53, query(name, qtype)))
        assert p.payload(true).startswith(b"true ")


class Wire:
    """A wire that keeps what is sent back."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def to_client(self, packet: bytes, later: float = 0.0) -> None:
        self.sent.append(packet)

    def to_server(self, packet: bytes, later: float = 0.0) -> None:
        raise AssertionError("nothing is sent on")


@pytest.mark.parametrize("kind", ["dns-inject", "dns-lie", "dns-proxy"])
def test_ipv6_questions_meet_the_same_boxes(kind: str) -> None:
    made = build(box(kind, resolvers="all", method="nxdomain"), World(load("small")), RESOLVER)
    client, server = p.packed("2404:6800::10"), p.packed("2001:4860:4860::8888")
    assert made.watches(p.UDP, "2001:4860:4860::8888", 53)
    wire: Any = Wire()
    made.inspect(bytearray(p.udp(client, 4000, server, 53, query())), wire)
    (answer,) = wire.sent
    assert (p.source(answer), p.destination(answer), p.ports(answer)) == (server, client, (53, 4000))
    assert dnswire.parse(p.payload(answer)).rcode == 3
