import gzip

import pytest
import trio
from tests.worlds.authority import server, trust
from tests.worlds.clock import run
from tests.worlds.streams import RESET, SILENCE, Peer, TlsServer, Turn, script, streams

from gatewatch.net import secure, stream, transfer
from gatewatch.net.journal import BODIES_CAP, Journal
from gatewatch.net.url import parse
from gatewatch.records import Transaction, decode, encode

HERE = ("104.16.1.1", 80)
URL = parse("http://example.org/a?b=c")
PAGE = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 5\r\n\r\nhello"


async def fetch(peer: Peer, seconds: float = 5) -> tuple[Journal, transfer.Transferred | None]:
    journal = Journal()
    got: transfer.Transferred | None = None
    with streams({HERE: peer}):
        tcp, _ = await stream.connect(journal, *HERE, tags=("depth=0",))
        assert tcp is not None
        with trio.move_on_after(seconds):
            got = await transfer.exchange(journal, tcp, URL)
    return journal, got


def recording(sent: list[bytes], *turns: Turn) -> Peer:
    answer = script(*turns)

    def peer(data: bytes) -> Turn:
        sent.append(data)
        return answer(data)

    return peer


def test_an_exchange_is_on_record_as_oonis_tools_read_it() -> None:
    async def main() -> None:
        sent: list[bytes] = []
        journal, got = await fetch(recording(sent, (0.25, PAGE)))
        assert got is not None and got.failure is None and got.raw_body == b"hello"
        (record,) = journal.transactions
        assert record is got.record and record.response is not None
        assert (record.response.code, record.response.body, record.response.body_is_truncated) == (
            200,
            "hello",
            False,
        )
        assert record.response.headers == {"Server": "nginx", "Content-Length": "5"}
        assert record.response.headers_list == (("Server", "nginx"), ("Content-Length", "5"))
        assert (record.t0, record.t, record.address, record.tags) == (
            0.1,
            0.35,
            "104.16.1.1:80",
            ("depth=0",),
        )
        assert decode(Transaction, encode(record))[1] == ()
        lines = sent[0].decode().split("\r\n")
        assert lines[:2] == ["GET /a?b=c HTTP/1.1", "Host: example.org"] and lines[-2:] == ["", ""]
        asked = record.request.headers_list
        assert asked is not None and lines[1:-2] == [f"{name}: {value}" for name, value in asked]
        assert ("Accept-Encoding", "gzip") in asked and ("Connection", "close") in asked
        assert [e.operation for e in journal.events] == [
            "connect", "http_transaction_start", "write", "read", "http_transaction_done",
        ]  # fmt: skip

    run(main)


@pytest.mark.parametrize(
    ("turn", "failure", "t", "code", "body"),
    [
        ((0.5, RESET), "connection_reset", 0.6, 0, ""),
        ((b"",), "eof_error", 0.1, 0, ""),
        (SILENCE, "generic_timeout_error", 5.1, 0, ""),
        ((PAGE[:-2], 0.5, RESET), "connection_reset", 0.6, 200, "hel"),
        ((PAGE[:-2], b""), "eof_error", 0.1, 200, "hel"),
        ((PAGE[:-2],), "generic_timeout_error", 5.1, 200, "hel"),
        ((PAGE[:20], b""), "eof_error", 0.1, 0, PAGE[:20].decode()),
        ((b"<html>blocked</html>", b""), "http_request_failed", 0.1, 0, "<html>blocked</html>"),
    ],
)
def test_wherever_a_response_ends_what_came_is_kept(
    turn: Turn, failure: str, t: float, code: int, body: str
) -> None:
    async def main() -> None:
        journal, got = await fetch(script(turn))
        assert (got is None) == (failure == "generic_timeout_error")
        (record,) = journal.transactions
        assert record.response is not None
        assert (record.failure, record.t) == (failure, t)
        assert (record.response.code, record.response.body) == (code, body)
        done = journal.events[-1]
        assert (done.operation, done.failure, done.t) == ("http_transaction_done", failure, t)

    run(main)


def test_a_body_that_is_no_text_stays_bytes_and_a_packed_one_is_unpacked() -> None:
    async def main() -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
        _, got = await fetch(script((head + gzip.compress(b"\xff\xfe"), b"")))
        assert got is not None and got.record.response is not None
        assert got.record.response.body == b"\xff\xfe" == got.raw_body

    run(main)


def test_over_tls_the_record_says_so() -> None:
    async def main() -> None:
        journal = Journal()
        with streams({HERE: TlsServer(server(), script((PAGE,)))}):
            tcp, _ = await stream.connect(journal, *HERE)
            assert tcp is not None
            tls, _ = await secure.handshake(journal, tcp, trust(), "example.org")
            assert tls is not None
            got = await transfer.exchange(journal, tls, URL, tags=("trusted",))
        assert (got.record.alpn, got.record.tags, got.raw_body) == ("http/1.1", ("trusted",), b"hello")
        assert (got.record.transaction_id, journal.handshakes[0].transaction_id) == (1, 1)

    run(main)


def test_a_body_is_sent_with_its_length() -> None:
    async def main() -> None:
        sent: list[bytes] = []
        with streams({HERE: recording(sent, (PAGE,))}):
            tcp, _ = await stream.connect(Journal(), *HERE)
            assert tcp is not None
            await transfer.exchange(Journal(), tcp, URL, method="POST", headers=(), body=b"{}")
        assert sent[0].startswith(b"POST /a?b=c ") and sent[0].endswith(b"Content-Length: 2\r\n\r\n{}")

    run(main)


@pytest.mark.parametrize(
    ("head", "location"),
    [
        ("302 Found\r\nLocation: /x", "/x"),
        ("308 P\r\nlocation:  http://b.org/", "http://b.org/"),
        ("301 M", None),
        ("200 OK\r\nLocation: /x", None),
        ("304 N\r\nLocation: /x", None),
    ],
)
def test_where_a_redirect_leads(head: str, location: str | None) -> None:
    async def main() -> None:
        _, got = await fetch(script((f"HTTP/1.1 {head}\r\n\r\n".encode(), b"")))
        assert got is not None and got.location == location

    run(main)


def test_a_body_full_of_zeros_is_written_in_base64_and_not_six_times_as_long() -> None:
    assert transfer.written(b"<p>\t one\r\n</p>" * 10) == "<p>\t one\r\n</p>" * 10
    assert transfer.written(bytes(1000)) == bytes(1000)
    assert transfer.written("ព័ត៌មាន".encode()) == "ព័ត៌មាន"


def test_the_bodies_of_one_measurement_have_a_cap_of_their_own() -> None:
    async def main() -> None:
        journal, got = await fetch(script((PAGE,)))
        assert got is not None and journal.room() == BODIES_CAP - 5
        kept = journal.transactions[0]
        journal.transactions += [kept] * ((BODIES_CAP - 5) // 5)
        assert journal.room() == 4
        with streams({HERE: script((PAGE,))}):
            tcp, _ = await stream.connect(journal, *HERE)
            assert tcp is not None
            more = await transfer.exchange(journal, tcp, URL)
        assert more.raw_body == b"hello" and more.record.response is not None
        assert (more.record.response.body, more.record.response.body_is_truncated) == ("hell", True)

    run(main)
