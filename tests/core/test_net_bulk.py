"""Bulk transfers: what is counted, when they end, and the rate of their second half."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from tests.worlds.clock import run
from tests.worlds.streams import RESET, Peer, script, streams

from gatewatch.net import bulk, stream
from gatewatch.net.bulk import Meter
from gatewatch.net.journal import Journal

HERE = ("104.16.1.1", 80)
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def pull(peer: Peer, *, cap: int = 10_000, seconds: float = 5.0) -> tuple[Meter, Journal, bool]:
    async def main() -> tuple[Meter, Journal, bool]:
        journal, meter = Journal(), Meter()
        with streams({HERE: peer}):
            tcp, _ = await stream.connect(journal, *HERE, tags=("x",))
            assert tcp is not None
            with trio.move_on_after(seconds) as scope:
                await bulk.pull(journal, tcp, b"GET / HTTP/1.1\r\n\r\n", meter, cap=cap)
        return meter, journal, scope.cancelled_caught

    return run(main)


def test_bytes_are_counted_until_the_server_ends() -> None:
    meter, _, cut = pull(script((0.5, HEAD, 0.5, b"x" * 981, b"")))
    assert (meter.size, meter.status, meter.failure, meter.seconds, cut) == (1000, 200, None, 1.0, False)
    assert meter.reads == [(0.5, 19), (1.0, 1000)]


def test_enough_is_enough() -> None:
    meter, _, cut = pull(script((HEAD, *(x for _ in range(9) for x in (0.1, b"x" * 4000)))))
    assert (meter.size, cut) == (12_019, False)
    assert meter.seconds == pytest.approx(0.3)


def test_time_that_is_up_is_no_failure() -> None:
    meter, journal, cut = pull(script((0.5, HEAD + b"x" * 981)), seconds=5.0)
    assert (meter.size, meter.failure, meter.seconds, cut) == (1000, None, 5.0, True)
    # All came in one read, and the silence after it counts.
    assert meter.kbps() == pytest.approx(8 / 5.0)
    assert journal.events[-1].operation == "bytes_received_cumulative"
    assert journal.events[-1].num_bytes == 1000


@pytest.mark.parametrize(
    ("turn", "failure"),
    [((b"",), "eof_error"), ((RESET,), "connection_reset"), ((HEAD, RESET), "connection_reset")],
)
def test_what_is_cut_off_says_how(turn: tuple[bytes | OSError, ...], failure: str) -> None:
    meter, _, _ = pull(script(turn))
    assert meter.failure == failure


def test_what_is_no_http_has_no_status() -> None:
    assert pull(script((b"220 mail\r\n\r\n", b"")))[0].status == 0
    assert pull(script((b"HTTP/1.1 2x0 OK\r\n\r\n", b"")))[0].status == 0


def test_the_body_s_beginning_is_kept_however_it_is_framed() -> None:
    whole = pull(script((HEAD, b"hello ", b"world" * 100, b"")))[0]
    chunked = pull(
        script((HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n1f", b"c\r\nhello worldworld", b""))
    )[0]
    assert len(whole.start) == bulk.START
    assert whole.start.startswith(b"hello worldworld")
    assert chunked.start == b"hello worldworld"


def test_the_rate_is_that_of_the_second_half() -> None:
    # 5,000 bytes at once, then 5,000 in five seconds.
    reads = [(0.1, 5000), *((0.1 + n, 5000 + 1000 * n) for n in range(1, 6))]
    assert Meter(reads, seconds=5.1).kbps() == pytest.approx(8.0)
    assert Meter().kbps() is None
    assert Meter([(0.0, 100)], seconds=0.0).kbps() is None


def test_samples_are_a_quarter_of_a_second_apart() -> None:
    _, journal, _ = pull(script((HEAD, *(x for _ in range(40) for x in (0.05, b"x" * 100)), b"")))
    samples = [e for e in journal.events if e.operation == "bytes_received_cumulative"]
    times = [e.t or 0.0 for e in samples]
    assert len(samples) == 8
    assert all(b - a >= 0.25 for a, b in pairwise(times[:-1]))
    assert samples[-1].num_bytes == 4019
