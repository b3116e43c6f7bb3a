"""Our own ClientHello, as OpenSSL and the lab's boxes read it, and what comes back."""

import errno
import ssl

import pytest
import trio
from tests.worlds.authority import server
from tests.worlds.clock import run
from tests.worlds.streams import RESET, Server, Streams, TlsPeer, TlsServer, broken, script, streams

from gatewatch.lab.boxes.sni import server_name
from gatewatch.net import hello, stream
from gatewatch.net.hello import Greeting
from gatewatch.net.journal import Journal

NAME = "www.example.org"
AT = ("104.16.1.1", 443)
VERSIONS = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)


def answered(parts: tuple[bytes, ...], version: ssl.TLSVersion) -> bytes:
    """What OpenSSL answers."""
    peer = TlsPeer(server(NAME, newest=version), script())
    return b"".join(said for part in parts for said in peer(part) if isinstance(said, bytes))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("ech", [False, True])
def test_openssl_answers_however_it_is_cut(version: ssl.TLSVersion, ech: bool) -> None:
    whole = hello.client_hello(NAME, ech=ech)
    for parts in ((whole,), hello.in_two_segments(whole, NAME), (hello.in_two_records(whole, NAME),)):
        assert server_name(b"".join(parts)) == NAME
        assert hello.first_answer(answered(parts, version)) == ("server_hello", -1)


def test_it_is_one_segment_on_any_path() -> None:
    assert len(hello.client_hello(NAME)) == len(hello.client_hello("a.kh")) == hello.PADDED == 517
    # The longest name that there is, with ECH GREASE: still less than IPv6's least MTU carries.
    longest = ".".join(["a" * 62] * 4)
    assert 517 < len(hello.client_hello(longest, ech=True)) <= 1220


def test_the_cut_goes_through_the_name() -> None:
    whole = hello.client_hello(NAME)
    first, second = hello.in_two_segments(whole, NAME)
    assert first + second == whole and first.endswith(b"www.exa") and second.startswith(b"mple.org")
    records = hello.in_two_records(whole, NAME)
    assert records[:3] == b"\x16\x03\x01" and NAME.encode() not in records
    with pytest.raises(ValueError, match="not found"):
        hello.in_two_segments(whole, "other.org")


def test_an_address_is_no_server_name() -> None:
    assert not isinstance(server_name(hello.client_hello("104.16.1.1")), str)


def test_ech_grease_has_the_layout_of_the_rfc() -> None:
    grease = hello.ech_grease()
    assert grease[:2] == b"\xfe\x0d" and int.from_bytes(grease[2:4], "big") == len(grease) - 4
    assert grease[4:9] == bytes((0, 0, 1, 0, 1))  # outer, HKDF-SHA256, AES-128-GCM
    key = int.from_bytes(grease[10:12], "big")
    assert key == 32 and int.from_bytes(grease[12 + key : 14 + key], "big") == len(grease) - 14 - key
    assert hello.ech_grease() != grease


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"\x16\x03\x03\x00\x50\x02", None),
        (b"\x16\x03\x03\x00\x50\x02\x00", ("server_hello", -1)),
        (b"\x15\x03\x01\x00\x02\x02\x70", ("alert", 112)),
        (b"\x15\x03\x01\x00\x02\x02", None),
        (b"H", ("other", -1)),
        (b"\x16\x03\x03\x00\x50\x0b\x00", ("other", -1)),
    ],
)
def test_first_answers(data: bytes, found: tuple[str, int] | None) -> None:
    assert hello.first_answer(data) == found


def greeted(peer: Server, parts: int = 1) -> tuple[Greeting | None, Journal, Streams]:
    async def main() -> tuple[Greeting | None, Journal, Streams]:
        journal = Journal()
        with streams({AT: peer}) as world:
            tcp, _ = await stream.connect(journal, *AT, tags=("here",))
            assert tcp is not None
            whole = hello.client_hello(NAME)
            said: Greeting | None = None
            with trio.move_on_after(5):
                cut = (whole,) if parts == 1 else hello.in_two_segments(whole, NAME)
                said = await hello.greet(journal, tcp, cut, NAME)
        return said, journal, world

    return run(main)


@pytest.mark.parametrize(
    ("peer", "said", "failure"),
    [
        (TlsServer(server(NAME), script()), Greeting("server_hello", None), None),
        (script((b"\x15\x03\x01\x00\x02\x02\x70",)), Greeting("alert", None, 112), "ssl_failed_handshake"),
        (script((b"HTTP/1.0 400 Bad\r\n\r\n",)), Greeting("other", None), "ssl_failed_handshake"),
        (script((RESET,)), Greeting("", "connection_reset"), "connection_reset"),
        (script((b"",)), Greeting("", "eof_error"), "eof_error"),
        (
            script((b"\x16\x03", broken(errno.ECONNRESET))),
            Greeting("", "connection_reset"),
            "connection_reset",
        ),
        (script(), None, "generic_timeout_error"),
    ],
)
def test_what_becomes_of_a_greeting(peer: Server, said: Greeting | None, failure: str | None) -> None:
    found, journal, world = greeted(peer)
    assert found == said and world.all_closed
    (shaken,) = journal.handshakes
    assert (shaken.failure, shaken.server_name, shaken.no_tls_verify, shaken.tags) == (
        failure,
        NAME,
        True,
        ("here",),
    )


def test_each_part_is_a_write_of_its_own() -> None:
    _, journal, _ = greeted(TlsServer(server(NAME), script()), parts=2)
    writes = [event.num_bytes for event in journal.events if event.operation == "write"]
    assert len(writes) == 2 and sum(n or 0 for n in writes) == hello.PADDED
