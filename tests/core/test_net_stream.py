import errno
import socket
import struct

import pytest
import trio
from tests.worlds.clock import run
from tests.worlds.streams import RESET, SILENCE, broken, script, streams

from gatewatch.net import stream
from gatewatch.net.journal import MAX_READS_PER_CONNECTION, Journal
from gatewatch.records import Connect, NetworkEvent

HERE = ("104.16.1.1", 443)
BODY: list[bytes | float] = [b"x" * 1000, 0.25] * 200


def steps(journal: Journal) -> list[tuple[str | None, str | None, int | None, float | None, float | None]]:
    return [(e.operation, e.failure, e.num_bytes, e.t0, e.t) for e in journal.events]


def test_a_connection_and_its_bytes_are_on_record() -> None:
    async def main() -> None:
        with streams({HERE: script((b"hello", 0.5, b" world", b""))}) as world:
            journal = Journal()
            tcp, failure = await stream.connect(journal, *HERE, tags=("depth=0",))
            assert tcp is not None and failure is None
            await tcp.send(b"hi")
            assert [await tcp.receive() for _ in range(3)] == [b"hello", b" world", b""]
            tcp.close()
        assert world.all_closed
        assert steps(journal) == [
            ("connect", None, None, 0.0, 0.1),
            ("write", None, 2, 0.1, 0.1),
            ("read", None, 5, 0.1, 0.1),
            ("read", None, 6, 0.1, 0.6),
            ("read", "eof_error", 0, 0.6, 0.6),
        ]
        (connect,) = journal.connects
        assert (connect.ip, connect.port, connect.status.success, connect.t0, connect.t) == (
            *HERE,
            True,
            0.0,
            0.1,
        )
        every: list[Connect | NetworkEvent] = [connect, *journal.events]
        assert {r.transaction_id for r in every} == {1} and {r.tags for r in every} == {("depth=0",)}
        assert {(e.address, e.proto) for e in journal.events} == {("104.16.1.1:443", "tcp")}

    run(main)


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        (errno.ECONNREFUSED, "connection_refused"),
        (errno.ECONNRESET, "connection_reset"),
        (errno.EHOSTUNREACH, "host_unreachable"),
        (errno.ETIMEDOUT, "timed_out"),
    ],
)
def test_a_connection_that_fails_keeps_its_errno(number: int, failure: str) -> None:
    async def main() -> None:
        with streams({HERE: broken(number)}) as world:
            journal = Journal()
            assert await stream.connect(journal, *HERE) == (None, failure)
        assert world.all_closed
        assert steps(journal) == [("connect", failure, None, 0.0, 0.1)]
        assert (journal.connects[0].status.failure, journal.connects[0].status.success) == (failure, False)

    run(main)


def test_silence_is_a_timeout_at_exactly_the_callers_limit() -> None:
    async def main() -> None:
        with streams({}) as world:
            journal = Journal()
            with trio.move_on_after(7):
                await stream.connect(journal, *HERE)
            assert trio.current_time() == 7
        assert world.all_closed
        assert steps(journal) == [("connect", "generic_timeout_error", None, 0.0, 7.0)]
        assert journal.connects[0].status.failure == "generic_timeout_error" and journal.connects[0].t == 7.0

    run(main)


@pytest.mark.parametrize(
    ("turn", "failure", "t"),
    [
        ((RESET,), "connection_reset", 0.1),
        ((1.0, RESET), "connection_reset", 1.1),
        (SILENCE, "generic_timeout_error", 3.1),
    ],
)
def test_a_read_that_fails_is_an_event(turn: tuple[OSError | float, ...], failure: str, t: float) -> None:
    async def main() -> None:
        with streams({HERE: script(turn)}):
            journal = Journal()
            tcp, _ = await stream.connect(journal, *HERE)
            assert tcp is not None
            await tcp.send(b"hi")
            with trio.move_on_after(3):
                with pytest.raises(OSError):
                    await tcp.receive()
        assert steps(journal)[-1] == ("read", failure, 0, 0.1, t)

    run(main)


def test_a_write_that_fails_is_an_event() -> None:
    async def main() -> None:
        with streams({HERE: script()}) as world:
            journal = Journal()
            tcp, _ = await stream.connect(journal, *HERE)
            assert tcp is not None
            world.broken_sends.append(broken(errno.EPIPE))
            with pytest.raises(BrokenPipeError):
                await tcp.send(b"hi")
        assert steps(journal)[-1] == ("write", "connection_reset", 0, 0.1, 0.1)

    run(main)


def test_the_ttl_is_set_before_the_first_packet_and_rst_on_abort() -> None:
    async def main() -> None:
        with streams({HERE: script()}) as world:
            tcp, _ = await stream.connect(Journal(), *HERE, ttl=3)
            assert tcp is not None
            tcp.abort()
        assert world.all_closed
        assert world.sockets[0].options == [
            (socket.IPPROTO_IP, socket.IP_TTL, 3),
            (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
        ]

    run(main)


def test_a_long_body_is_few_events_and_no_byte_is_missing() -> None:
    async def main() -> list[NetworkEvent]:
        with streams({HERE: script((*BODY, RESET))}):
            journal = Journal()
            tcp, _ = await stream.connect(journal, *HERE)
            assert tcp is not None
            await tcp.send(b"hi")
            for _ in range(200):
                await tcp.receive()
            with pytest.raises(ConnectionResetError):
                await tcp.receive()
            journal.event("http_transaction_done", 1, (), 0.0)
            return journal.events

    events = run(main)
    reads = [e for e in events if e.operation == "read" and e.failure is None]
    assert len(reads) == MAX_READS_PER_CONNECTION
    assert sum(e.num_bytes or 0 for e in reads) == 200_000
    assert (reads[-1].t0, reads[-1].t) == (15.6, 49.85)
    assert [e.operation for e in events[-2:]] == ["read", "http_transaction_done"]
    assert events[-2].failure == "connection_reset"


def test_every_connection_has_a_number_of_its_own() -> None:
    async def main() -> None:
        with streams({HERE: script()}):
            journal = Journal()
            first, _ = await stream.connect(journal, *HERE)
            second, _ = await stream.connect(journal, *HERE)
            assert first is not None and second is not None
            assert (first.transaction_id, second.transaction_id) == (1, 2)

    run(main)
