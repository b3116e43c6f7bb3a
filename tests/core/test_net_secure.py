import errno
import ssl

import pytest
import trio
from tests.worlds.authority import server, stranger, trust
from tests.worlds.clock import run
from tests.worlds.streams import RESET, SILENCE, Server, TlsPeer, TlsServer, Turn, broken, script, streams

from gatewatch.net import secure, stream
from gatewatch.net.journal import Journal

HERE = ("104.16.1.1", 443)


async def shake(
    peer: Server, name: str = "example.org", seconds: float = 5
) -> tuple[Journal, secure.SecureStream | None, bool]:
    """Connect and shake hands; gives the journal, the stream, and whether all sockets are closed."""
    journal = Journal()
    tls: secure.SecureStream | None = None
    with streams({HERE: peer}) as world:
        tcp, _ = await stream.connect(journal, *HERE, tags=("classic",))
        assert tcp is not None
        with trio.move_on_after(seconds):
            tls, failure = await secure.handshake(journal, tcp, trust(), name)
            assert failure == journal.handshakes[0].failure
    return journal, tls, world.all_closed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_and_what_was_agreed_are_on_record(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        journal, tls, _ = await shake(TlsServer(server(newest=version), script((b"hello",))))
        assert tls is not None
        await tls.send(b"hi")
        assert await tls.receive() == b"hello"
        (record,) = journal.handshakes
        assert record.failure is None and record.server_name == "example.org"
        assert record.tls_version == version.name.replace("_", ".")
        assert record.negotiated_protocol == "http/1.1" and "AES" in (record.cipher_suite or "")
        assert record.peer_certificates is not None and len(record.peer_certificates) == 1
        assert (record.address, record.network, record.no_tls_verify) == ("104.16.1.1:443", "tcp", False)
        assert (record.t0, record.t, record.tags, record.transaction_id) == (0.1, 0.1, ("classic",), 1)
        operations = [e.operation for e in journal.events]
        assert operations[:3] == ["connect", "tls_handshake_start", "write"]
        assert operations[operations.index("tls_handshake_done") - 1] in ("read", "write")

    run(main)


@pytest.mark.parametrize(
    ("turn", "failure", "t"),
    [
        ((0.5, RESET), "connection_reset", 0.6),
        ((b"",), "eof_error", 0.1),
        (SILENCE, "generic_timeout_error", 5.1),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "ssl_failed_handshake", 0.1),
        ((b"\x15\x03\x03\x00\x02\x02\x28",), "ssl_failed_handshake", 0.1),
        ((b"\x16\x03\x03\x40", 0.5, b""), "eof_error", 0.6),
    ],
    ids=["reset", "eof", "silence", "http", "alert", "cut record"],
)
def test_what_comes_in_place_of_a_server_hello(turn: Turn, failure: str, t: float) -> None:
    async def main() -> None:
        journal, tls, closed = await shake(script(turn))
        (record,) = journal.handshakes
        assert tls is None and closed
        assert (record.failure, record.t0, record.t) == (failure, 0.1, t)
        assert (record.peer_certificates, record.tls_version, record.cipher_suite) == (None, "", "")
        done = journal.events[-1]
        assert (done.operation, done.failure, done.t0, done.t) == ("tls_handshake_done", failure, 0.1, t)

    run(main)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_foreign_chain_is_refused_kept_and_the_server_told_why(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        peer = TlsServer(server(authority=stranger(), newest=version), script())
        journal, tls, closed = await shake(peer)
        (record,) = journal.handshakes
        assert tls is None and closed and record.failure == "ssl_unknown_authority"
        assert record.peer_certificates is not None and b"example.org" in record.peer_certificates[0]
        assert peer.alerts == ["TLSV1_ALERT_UNKNOWN_CA"]

    run(main)


def test_a_refused_chain_stays_the_failure_when_the_alert_cannot_be_sent() -> None:
    async def main() -> None:
        tls = TlsPeer(server(authority=stranger()), script())

        def leaves_at_once(data: bytes) -> Turn:
            world.broken_sends.append(broken(errno.EPIPE))
            return tls(data)

        with streams({HERE: leaves_at_once}) as world:
            tcp, _ = await stream.connect(Journal(), *HERE)
            assert tcp is not None
            outcome = await secure.handshake(Journal(), tcp, trust(), "example.org")
        assert outcome == (None, "ssl_unknown_authority")

    run(main)


def test_no_sni_is_sent_for_an_address() -> None:
    async def main() -> None:
        context = server("104.16.1.1")
        seen: list[str | None] = []
        context.sni_callback = lambda _, name, __: seen.append(name)
        journal, tls, _ = await shake(TlsServer(context, script()), "104.16.1.1")
        assert tls is not None and seen == [None] and journal.handshakes[0].server_name == ""

    run(main)


@pytest.mark.parametrize("turn", [(b"",), (b"half", b"")])
def test_the_end_of_tcp_is_the_end_of_what_can_be_read(turn: Turn) -> None:
    async def main() -> None:
        _, tls, _ = await shake(TlsServer(server(), script(turn)))
        assert tls is not None
        await tls.send(b"hi")
        got = []
        while data := await tls.receive():
            got.append(data)
        assert got == [item for item in turn if item]

    run(main)


def test_a_forged_record_inside_the_stream_is_an_error_and_a_failure() -> None:
    async def main() -> None:
        _, tls, _ = await shake(TlsServer(server(), script((b"x",))))
        assert tls is not None
        await tls.send(b"hi")
        await tls.receive()
        tls._incoming.write(b"\x17\x03\x03\x00\x20" + b"\0" * 32)
        with pytest.raises(ssl.SSLError):
            await tls.receive()

    run(main)


def test_a_handshake_of_messages_that_may_be_ignored_ends_with_the_room_for_them() -> None:
    async def main() -> None:
        hello_requests = b"\x16\x03\x03\0\x04\0\0\0\0" * 1000
        journal, tls, closed = await shake(script((hello_requests,) * 60))
        assert tls is None and closed
        assert journal.handshakes[0].failure == "unknown_failure: a flood of bytes that say nothing"
        assert sum(e.num_bytes or 0 for e in journal.events if e.operation == "read") < 2 * secure.IDLE_CAP

    run(main)
