"""Resolvers over UDP, TCP, DoT and DoH, message by message."""

from __future__ import annotations

import base64

import pytest
from tests.lab.visitor import CLIENT, Tls, ask, dial, read

from gatewatch.lab.country.scenario import load
from gatewatch.lab.world import World
from gatewatch.net import dnswire

ISP = "36.37.242.53"


@pytest.fixture(scope="module")
def world() -> World:
    return World(load("small"))


def udp(world: World, name: str, qtype: str = "A", server: str = ISP, txid: int = 7) -> dnswire.Reply:
    wire = world.datagram(server, 53, (CLIENT, 5353), dnswire.query(name, qtype, txid))
    assert wire
    return dnswire.parse(wire)


@pytest.mark.parametrize("server", [ISP, "8.8.8.8", "9.9.9.10", "94.140.14.140"])
def test_resolvers_tell_the_truth(world: World, server: str) -> None:
    reply = udp(world, "www.RFA.org", server=server)
    assert (reply.txid, reply.rcode, reply.addresses) == (7, 0, world.address_of("www.rfa.org"))


def test_a_second_asker_gets_its_own_transaction_id(world: World) -> None:
    assert [udp(world, "cached.com", txid=txid).txid for txid in (1, 65535, 1)] == [1, 65535, 1]


def test_dead_names_and_other_types(world: World) -> None:
    assert udp(world, "dead.com").rcode == 3
    assert udp(world, "dead.com", "AAAA").rcode == 3
    v6 = udp(world, "live.com", "AAAA")
    assert (v6.rcode, v6.records) == (0, ())


def test_whoami_is_the_resolver_itself_and_never_cached(world: World) -> None:
    for server in (ISP, "8.8.8.8", ISP):
        assert udp(world, "whoami.v4.powerdns.org", server=server).addresses == (server,)


def test_garbage_is_swallowed_and_other_ports_are_closed(world: World) -> None:
    for garbage in (b"", b"x", b"\0" * 12, b"\xff" * 40):
        assert world.datagram(ISP, 53, (CLIENT, 5353), garbage) == b""
    query = dnswire.query("live.com", "A", 7)
    assert world.datagram(world.address_of("live.com")[0], 53, (CLIENT, 5353), query) is None
    assert world.datagram("8.8.8.8", 443, (CLIENT, 5353), query) is None


def test_mullvad_offers_encrypted_transports_only(world: World) -> None:
    query = dnswire.query("live.com", "A", 7)
    assert world.datagram("194.242.2.2", 53, (CLIENT, 5353), query) is None
    client = Tls(world, "194.242.2.2", "dns.mullvad.net", 853)
    assert dnswire.parse(client.send(framed(query))[2:]).addresses == world.address_of("live.com")


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def test_tcp_answers_pipelined_and_split_queries(world: World) -> None:
    app, wire = dial(world, ISP, 53)
    queries = framed(dnswire.query("a.com", "A", 1)) + framed(dnswire.query("b.com", "A", 2))
    for i in range(len(queries)):
        app.data_received(queries[i : i + 1])
    data = wire.take()
    size = int.from_bytes(data[:2], "big")
    first, second = dnswire.parse(data[2 : 2 + size]), dnswire.parse(data[4 + size :])
    assert (first.txid, first.addresses) == (1, world.address_of("a.com"))
    assert (second.txid, second.addresses) == (2, world.address_of("b.com"))
    app.eof_received()
    assert wire.closed


def test_tcp_hangs_up_on_garbage(world: World) -> None:
    app, wire = dial(world, ISP, 53)
    app.data_received(framed(b"nonsense"))
    assert wire.closed and not wire.sent


def test_dot_verifies_by_name_and_by_address(world: World) -> None:
    for name in ("dns.google", "8.8.8.8"):
        client = Tls(world, "8.8.8.8", name, 853)
        reply = dnswire.parse(client.send(framed(dnswire.query("live.com", "A", 9)))[2:])
        assert reply.addresses == world.address_of("live.com")


def test_doh_get_and_post(world: World) -> None:
    message = dnswire.query("live.com", "A", 0)
    encoded = base64.urlsafe_b64encode(message).rstrip(b"=").decode()
    client = Tls(world, "1.1.1.1", "cloudflare-dns.com")
    asked = ask("cloudflare-dns.com", f"/dns-query?dns={encoded}")
    posted = ask(
        "cloudflare-dns.com",
        "/dns-query",
        method="POST",
        body=message,
        Content_Type="application/dns-message",
    )
    for request in (asked, posted):
        status, headers, body = read(client.send(request))
        assert (status, headers["content-type"]) == (200, "application/dns-message")
        assert dnswire.parse(body).addresses == world.address_of("live.com")


@pytest.mark.parametrize(
    "request_bytes",
    [
        ask("dns.google", "/dns-query"),
        ask("dns.google", "/dns-query?dns=%%%"),
        ask("dns.google", "/dns-query?dns=AAAA"),
        ask("dns.google", "/dns-query", method="POST", body=b"x", Content_Type="text/plain"),
    ],
)
def test_doh_refuses_what_is_no_query(world: World, request_bytes: bytes) -> None:
    assert read(Tls(world, "8.8.8.8", "dns.google").send(request_bytes))[0] == 400


def test_a_resolvers_other_paths_are_its_web_site(world: World) -> None:
    status, headers, body = read(Tls(world, "8.8.8.8", "dns.google").send(ask("dns.google", "/about")))
    assert status == 200 and b"<title>dns.google" in body and "text/html" in headers["content-type"]


def test_the_citizen_lab_doh_url_is_answered(world: World) -> None:
    target = "/dns-query?dns=q80BAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB"
    _, _, body = read(Tls(world, "1.0.0.1", "1.0.0.1").send(ask("1.0.0.1", target)))
    reply = dnswire.parse(body)
    assert (reply.txid, reply.qname, reply.addresses) == (
        0xABCD,
        "www.example.com",
        world.address_of("www.example.com"),
    )


def chaos(world: World, server: str, name: str = "id.server") -> tuple[int, list[str], list[str]]:
    """The response code, the texts and the NSID of a question about the server itself."""
    import dns.edns
    import dns.message

    wire = world.datagram(server, 53, (CLIENT, 5353), dnswire.query(name, "TXT", 7, qclass=3, nsid=True))
    message = dns.message.from_wire(wire or b"")
    texts = [b"".join(data.strings).decode() for rrset in message.answer for data in rrset]
    said = [o.to_text().partition("NSID ")[2] for o in message.options if o.otype == dns.edns.NSID]
    return int(message.rcode()), texts, said


def test_each_resolver_says_who_it_is(world: World) -> None:
    assert chaos(world, "1.1.1.1") == (0, ["SIN"], ["21m304"])
    assert chaos(world, "9.9.9.10")[1] == ["res110.sin.rrdns.pch.net"]
    assert chaos(world, "8.8.8.8") == (5, [], ["gpdns-sin"])
    assert chaos(world, ISP, "version.bind")[1] == ["ns-36-37-242-53"]
    assert chaos(world, ISP, "love.server")[0] == 5


def test_google_s_name_tells_the_asker_as_text(world: World) -> None:
    import dns.message

    wire = world.datagram("8.8.8.8", 53, (CLIENT, 5353), dnswire.query("o-o.myaddr.l.google.com", "TXT", 7))
    (rrset,) = dns.message.from_wire(wire or b"").answer
    assert [data.to_text() for data in rrset] == ['"8.8.8.8"']
