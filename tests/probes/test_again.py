"""What was cut is tried once more, and only once."""

import json
from collections import deque
from collections.abc import Mapping

import pytest
from tests.worlds.authority import server
from tests.worlds.clock import run
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import RESET, Peer, Server, TlsServer, script

from gatewatch.records import TestKeys, Transaction
from gatewatch_probes.web import Web
from gatewatch_targets import Target

SITE, OTHER = "104.16.1.1", "104.16.1.2"


class InTurn(TlsServer):
    """A server that meets each new connection in another way."""

    def __init__(self, *peers: Peer | TlsServer) -> None:
        self._peers = deque(peers)

    def accept(self) -> Peer:
        peer = self._peers.popleft() if len(self._peers) > 1 else self._peers[0]
        return peer.accept() if isinstance(peer, TlsServer) else peer


GOOD = TlsServer(server("a.org"), http("200 OK", body="hello"))


def reset(_: bytes) -> tuple[OSError]:
    return (RESET,)


def silent(_: bytes) -> tuple[()]:
    return ()


def ended(_: bytes) -> tuple[bytes]:
    return (b"",)


def visit(
    servers: Mapping[tuple[str, int], Server],
    url: str,
    names: Mapping[str, tuple[str, ...]] | None = None,
    **about: object,
) -> TestKeys:
    async def main() -> TestKeys:
        with hosts(names or {"a.org": (SITE,)}, servers) as (wire, world):
            for name, value in about.items():
                setattr(wire, name, value)
            keys = await Web().measure(Target(url), wire)
        assert world.all_closed
        return keys

    return run(main)


def tries(keys: TestKeys) -> list[tuple[str | None, bool]]:
    """The failure of each handshake, and whether it was a second try."""
    return [
        (h.failure, "again" in (h.tags or ()))
        for h in keys.tls_handshakes or ()
        if "second" not in (h.tags or ())
    ]


def visits(keys: TestKeys) -> list[Transaction]:
    """The requests of the visit, oldest first."""
    return [r for r in reversed(keys.requests or ()) if "second" not in (r.tags or ())]


@pytest.mark.parametrize(
    ("peer", "failure"),
    [(reset, "connection_reset"), (ended, "eof_error"), (silent, "generic_timeout_error")],
)
def test_a_handshake_cut_once_passes_the_second_time(peer: Peer, failure: str) -> None:
    keys = visit({(SITE, 443): InTurn(peer, GOOD)}, "https://a.org/")
    # The third handshake is the visit's own.
    assert tries(keys) == [(failure, False), (None, True), (None, False)]
    assert [r.failure for r in keys.requests or ()] == [None]


def test_a_handshake_cut_twice_is_cut() -> None:
    keys = visit({(SITE, 443): InTurn(reset)}, "https://a.org/")
    assert tries(keys) == [("connection_reset", False), ("connection_reset", True)]
    first, again = [h for h in keys.tls_handshakes or () if "second" not in (h.tags or ())]
    assert again.tags == ("again", "classic", "depth=0")
    assert again.t0 is not None and first.t is not None and again.t0 >= first.t + 1.0


def test_a_certificate_is_no_matter_of_luck() -> None:
    keys = visit({(SITE, 443): TlsServer(server("b.org"), http("200 OK"))}, "https://a.org/")
    assert tries(keys) == [("ssl_invalid_hostname", False)]


def test_silence_is_given_less_time_the_second_time() -> None:
    keys = visit({}, "http://a.org/")
    times = [(c.t or 0) - (c.t0 or 0) for c in keys.tcp_connect or () if c.port == 80]
    assert times == [10.0, 4.0]


@pytest.mark.parametrize("peer", [reset, ended, silent])
def test_a_request_cut_once_is_sent_again(peer: Peer) -> None:
    keys = visit({(SITE, 80): InTurn(peer, http("200 OK", body="hello"))}, "http://a.org/")
    assert [r.failure is None for r in visits(keys)] == [False, True]
    assert visits(keys)[1].tags == ("again", "classic", "depth=0")


def test_a_page_that_had_begun_is_slow_and_not_asked_for_again() -> None:
    begun = script((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal",))
    keys = visit({(SITE, 80): InTurn(begun)}, "http://a.org/")
    assert [r.failure for r in visits(keys)] == ["generic_timeout_error"]


def test_a_redirect_that_is_cut_once_is_followed_all_the_same() -> None:
    servers: dict[tuple[str, int], Server] = {
        (SITE, 80): http("302 Found", "Location: https://b.org/"),
        (OTHER, 443): InTurn(reset, TlsServer(server("b.org"), http("200 OK"))),
    }
    keys = visit(servers, "http://a.org/", {"a.org": (SITE,), "b.org": (OTHER,)})
    assert tries(keys) == [("connection_reset", False), (None, True)]
    assert [r.failure for r in keys.requests or ()] == [None, None]


def test_what_is_down_for_the_control_is_not_tried_again() -> None:
    control = {
        "dns": {"addrs": [SITE], "failure": None},
        "http_request": {"failure": "connection_refused_error", "status_code": -1},
        "tcp_connect": {f"{SITE}:443": {"status": False, "failure": "connection_refused_error"}},
    }
    servers: dict[tuple[str, int], Server] = {
        (OTHER, 443): TlsServer(server("th.org"), http("200 OK", body=json.dumps(control)))
    }
    names = {"a.org": (SITE,), "th.org": (OTHER,)}
    keys = visit(servers, "https://a.org/", names, helpers=("https://th.org/",))
    assert [c.tags for c in keys.tcp_connect or () if c.ip == SITE] == [("classic", "depth=0")]


def test_every_address_of_the_systems_is_tried_again_even_when_one_answers() -> None:
    servers = {(SITE, 443): GOOD, (OTHER, 443): InTurn(reset)}
    keys = visit(servers, "https://a.org/", {"a.org": (SITE, OTHER)})
    assert sorted(tries(keys)[:3], key=str) == [
        ("connection_reset", False),
        ("connection_reset", True),
        (None, False),
    ]
