"""One client's connection: every answer whole, every wait limited, nothing left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing
from tests.worlds.clock import run

from gatewatch.helper.admission import Allowance
from gatewatch.helper.app import App

pytest.importorskip(
    "hypercorn", reason="the helper's server needs hypercorn: pip install 'gatewatch[helper]'"
)

from gatewatch.helper.connection import Conversation, Patience, settings

Client = trio.abc.Stream


class Measurer:
    """Takes its time, and says what it was asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[Any] = []
        self.cancelled = False

    async def measure(self, value: Any) -> Any:
        self.asked.append(value)
        try:
            await trio.sleep(self.seconds)
        except trio.Cancelled:
            self.cancelled = True
            raise
        return {"asked": value}


async def served(
    *pieces: bytes | float, measurer: Measurer | None = None, eof: bool = False
) -> tuple[bytes, float]:
    """Send pieces (numbers are waits) and read to the end; gives what came, and when it ended."""
    app = App(measurer or Measurer(), Allowance(1000, 1000))  # type: ignore[arg-type]
    ours, theirs = trio.testing.memory_stream_pair()
    got = bytearray()

    async def read() -> None:
        async for data in ours:
            got.extend(data)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(Conversation(app, settings(), theirs, ("192.0.2.7", 4711)).run)
        nursery.start_soon(read)
        try:
            for piece in pieces:
                if isinstance(piece, bytes):
                    await ours.send_all(piece)
                else:
                    await trio.sleep(piece)
            if eof:
                await ours.send_eof()
        except trio.BrokenResourceError:
            pass
    return bytes(got), trio.current_time()


def answer(*pieces: bytes | float, **more: Any) -> tuple[int, Any, float]:
    got, ended = run(lambda: served(*pieces, **more))
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head.title() + b"\r\n", got
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), json.loads(body), ended


HEAD = b"Host: a\r\n"


def posted(body: bytes, *, size: int | None = None) -> bytes:
    length = len(body) if size is None else size
    return b"POST / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s" % (HEAD, length, body)


def test_a_request_is_answered_and_the_connection_ends() -> None:
    assert answer(b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n")[:2] == (200, {"message": "Hello OONItarian!"})
    assert answer(posted(b"[1]"))[:2] == (200, {"asked": [1]})


def test_a_request_in_single_bytes() -> None:
    text = posted(b"[1]")
    assert answer(*[text[n : n + 1] for n in range(len(text))])[:2] == (200, {"asked": [1]})


def test_a_chunked_body() -> None:
    head = b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert answer(head, b"1\r\n[\r\n", 1.0, b"2\r\n1]\r\n0\r\n\r\n")[:2] == (200, {"asked": [1]})


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"nonsense\r\n\r\n"], 400),
        ([b"GET / HTTP/1.1\r\n\r\n"], 400),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"], 400),
        ([b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"], 400),
        ([b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n"], 400),
        ([b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"], 400),
        ([b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], 400),
        ([b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 20_000 + b"\r\n\r\n"], 431),
        ([b"x" * 20_000], 431),
        ([b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100 + b"\r\n"], 431),
        ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 404),
        ([posted(b"{", size=10_000_000_000)], 413),
        ([posted(b"")], 400),
    ],
    ids=range(13),
)
def test_what_is_no_request_gets_a_reason(pieces: list[bytes], status: int) -> None:
    got, said, _ = answer(*pieces)
    assert got == status and said["error"]


@pytest.mark.parametrize("method", [b"HEAd", b"head", b"get", b"Post"])
def test_methods_are_taken_as_they_are_written(method: bytes) -> None:
    # Found by fuzzing; it took an order of tasks that came up every other time.
    for _ in range(16):
        got, said, _ = answer(method + b" / HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert (got, said["error"]) == (501, "methods are written in capitals")


def test_upgrades_are_declined() -> None:
    upgrade = (
        b"Connection: upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n"
    )
    for word in (b"websocket", b"h2c"):
        assert answer(b"GET / HTTP/1.1\r\n" + HEAD + upgrade % word + b"\r\n")[0] == 200


def test_a_request_that_breaks_off() -> None:
    assert answer(b"GET / HTTP/1.1\r\nHos", eof=True)[0] == 400
    assert answer(posted(b"[1", size=9), eof=True)[0] == 400


def test_a_slow_head_is_cut() -> None:
    drip: list[bytes | float] = [4.0, b"A: b\r\n"] * 10
    status, _, ended = answer(b"GET / HTTP/1.1\r\n", *drip)
    assert status == 408 and ended < 60


def test_a_slow_body_is_cut() -> None:
    drip: list[bytes | float] = [3.0, b" "] * 10
    status, said, _ = answer(posted(b"[", size=1000), *drip)
    assert status == 408 and "body" in said["error"]


def test_junk_behind_a_request_does_not_cut_its_answer() -> None:
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 50_000, b"POST / HTTP/1.1\r\nHost: b\r\n\r\n"):
        assert answer(posted(b"[1]") + junk)[:2] == (200, {"asked": [1]})
        assert answer(posted(b"[1]"), junk, junk, measurer=Measurer(2.0))[:2] == (200, {"asked": [1]})


def test_junk_behind_a_request_of_http_1_0_is_told_apart_from_its_answer() -> None:
    # Found by fuzzing: both answers were written at once.  Which comes first is left to chance.
    for _ in range(20):
        got, _ended = run(lambda: served(b'GET /x HTTP/1.0\r\n\r\n"junk\r\n\r\n'))
        bodies = [json.loads(part) for part in re.findall(rb"\{[^}]*\}", got)]
        lines = re.findall(rb"HTTP/1\.1 (\d+)", got)
        assert set(lines) <= {b"400", b"404"} and len(lines) == len(bodies) >= 1
        lengths = [int(size) for size in re.findall(rb"(?i)content-length: (\d+)", got)]
        assert lengths == [len(part) for part in re.findall(rb"\{[^}]*\}", got)]


def test_a_client_that_leaves_ends_the_measuring() -> None:
    measurer = Measurer(30.0)
    got, ended = run(lambda: served(posted(b"[1]"), 2.0, measurer=measurer, eof=True))
    assert (got, measurer.cancelled) == (b"", True) and ended < 5


def test_a_body_without_end_is_not_read_to_it() -> None:
    sent = 0

    def body() -> Any:
        nonlocal sent
        yield b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        while True:
            sent += 1
            yield b"10000\r\n" + b"x" * 65_536 + b"\r\n"

    got, _ = run(lambda: served(*_take(body, 200)))
    assert b" 413 " in got.split(b"\r\n")[0]


def _take(pieces: Callable[[], Any], count: int) -> list[bytes]:
    source = pieces()
    return [next(source) for _ in range(count)]


def test_a_client_that_does_not_read_is_dropped() -> None:
    async def main() -> float:
        app = App(Measurer(), Allowance(1000, 1000))  # type: ignore[arg-type]
        ours, theirs = trio.testing.lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Conversation(app, settings(), theirs, ("192.0.2.7", 1)).run)
            await ours.send_all(b"GET /bytes/1048576 HTTP/1.1\r\n" + HEAD + b"\r\n")
        return trio.current_time()

    assert run(main) == pytest.approx(Patience().piece, abs=3)


def test_a_connection_that_says_nothing_is_dropped() -> None:
    got, ended = run(lambda: served(60.0))
    assert got == b"" and ended == 60.0

    async def main() -> float:
        _, theirs = trio.testing.memory_stream_pair()
        await Conversation(App(Measurer()), settings(), theirs, ("192.0.2.7", 1)).run()  # type: ignore[arg-type]
        return trio.current_time()

    assert run(main) == 10.0


def test_the_echo_keeps_the_letters_of_the_request() -> None:
    status, said, _ = answer(b"GET /echo HTTP/1.1\r\nhOsT: a\r\nx-LoNg:  v \r\n\r\n")
    assert (status, said["headers_list"]) == (200, [["hOsT", "a"], ["x-LoNg", " v "]])
    assert (said["request_line"], said["peer_port"]) == ("GET /echo HTTP/1.1", 4711)


def test_nothing_is_logged() -> None:
    config = settings()
    assert config.accesslog is None and config.errorlog is None
    assert config.log.access_logger is None and config.log.error_logger is None
