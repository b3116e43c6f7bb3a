import base64

import pytest
import trio
from tests.worlds.authority import server, stranger, trust
from tests.worlds.clock import run
from tests.worlds.streams import RESET, SILENCE, Peer, Server, Streams, TlsServer, Turn, script, streams

from gatewatch.net import carried, dnswire
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.records import Query

ADDRESS = "9.9.9.9"
DOH = parse("https://dns.quad9.net/dns-query")


def framed(query: bytes) -> Turn:
    """The answer over a byte stream, in two pieces."""
    answer = dnswire.answer(query[2:], addresses=("104.16.1.1",))
    wire = len(answer).to_bytes(2, "big") + answer
    return wire[:1], 0.5, wire[1:]


def page(query: bytes, code: bytes = b"200 OK") -> Turn:
    """The answer over HTTP."""
    asked = query.partition(b"?dns=")[2].partition(b" ")[0]
    answer = dnswire.answer(
        base64.urlsafe_b64decode(asked + b"=" * (-len(asked) % 4)), addresses=("104.16.1.1",)
    )
    return (b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (code, len(answer), answer),)


async def ask(kind: str, peer: Server) -> tuple[Query, Journal, Streams]:
    port = {"tcp": 53, "dot": 853, "doh": 443}[kind]
    journal = Journal()
    with streams({(ADDRESS, port): peer}) as world, trio.move_on_after(10):
        if kind == "tcp":
            await carried.tcp(journal, ADDRESS, "example.org")
        elif kind == "dot":
            await carried.dot(journal, ADDRESS, "dns.quad9.net", trust(), "example.org")
        else:
            await carried.doh(journal, ADDRESS, DOH, trust(), "example.org")
    (query,) = journal.queries
    return query, journal, world


# What no DNS message can be.
LONG = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(70_000)


def secured(inner: Peer) -> Server:
    return TlsServer(server("dns.quad9.net"), inner)


@pytest.mark.parametrize(
    ("kind", "peer", "resolver", "t"),
    [
        ("tcp", framed, "9.9.9.9:53", 0.6),
        ("dot", secured(framed), "9.9.9.9:853", 0.6),
        ("doh", secured(page), "https://dns.quad9.net/dns-query", 0.1),
    ],
)
def test_an_answer_however_it_is_carried(kind: str, peer: Server, resolver: str, t: float) -> None:
    async def main() -> None:
        query, journal, world = await ask(kind, peer)
        assert (query.failure, query.addresses, query.rcode) == (None, ("104.16.1.1",), 0)
        assert (query.engine, query.resolver_address, query.t0, query.t) == (kind, resolver, 0.0, t)
        # The way to the resolver is no measurement of the target.
        assert not journal.connects and not journal.events and not journal.handshakes and world.all_closed

    run(main)


@pytest.mark.parametrize(
    ("kind", "peer", "failure"),
    [
        ("tcp", RESET, "connection_reset"),
        ("tcp", script((RESET,)), "connection_reset"),
        ("tcp", script((b"\0\x40abc", b"")), "eof_error"),
        ("tcp", script(SILENCE), "generic_timeout_error"),
        ("tcp", script((b"\0\2ab",)), "dns_server_misbehaving"),
        ("dot", script((RESET,)), "connection_reset"),
        ("dot", TlsServer(server("other.net"), framed), "ssl_invalid_hostname"),
        ("dot", secured(script(SILENCE)), "generic_timeout_error"),
        ("doh", script((RESET,)), "connection_reset"),
        ("doh", TlsServer(server("dns.quad9.net", authority=stranger()), page), "ssl_unknown_authority"),
        ("doh", secured(lambda data: page(data, b"403 Forbidden")), "dns_server_misbehaving"),
        ("doh", secured(script((b"HTTP/1.1 200 OK\r\n\r\nhello", b""))), "dns_server_misbehaving"),
        ("doh", secured(script((LONG, b""))), "dns_server_misbehaving"),
        ("doh", secured(script((b"SSH-2.0", b""))), "http_request_failed"),
        ("doh", secured(script(SILENCE)), "generic_timeout_error"),
    ],
)
def test_what_can_go_wrong_on_the_way(kind: str, peer: Server, failure: str) -> None:
    async def main() -> None:
        query, _, world = await ask(kind, peer)
        assert (query.failure, query.answers) == (failure, None) and world.all_closed
        assert query.t == (10.0 if failure == "generic_timeout_error" else 0.1)

    run(main)


def test_of_a_page_that_is_no_message_no_more_is_kept_than_a_message_holds() -> None:
    async def main() -> None:
        query, _, _ = await ask("doh", secured(script((LONG, b""))))
        assert len(query.raw_response or "") <= 4 * (65_536 + 2) // 3

    run(main)
