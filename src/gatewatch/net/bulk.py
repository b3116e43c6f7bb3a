"""How fast bytes come: one request, and a note of every read until enough has come or time is up.

What is measured is goodput behind TLS, as a user has it.  A transfer that is cut off by its caller's limit is
no failure: what had come by then is the measurement.  OONI's event for it is ``bytes_received_cumulative``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.records.failure import EOF

# How far apart the samples on record are at least; OONI's emulation of a throttled download samples every
# 250 ms (probe-cli internal/throttling).
_APART = 0.25
_HEAD = b"\r\n\r\n"
#: So many bytes of a body tell one page from another, and come before what changes with each visit.
START = 256
# What a head may weigh before its end must have come.
_HEAD_CAP = 65_536


@dataclass(slots=True)
class Meter:
    """What has come so far; ``reads`` are (seconds since the request, bytes in all), both rising."""

    reads: list[tuple[float, int]] = field(default_factory=list)
    status: int = 0
    failure: str | None = None
    #: How the body begins, as it came: whether two transfers gave the same thing.
    start: bytes = b""
    #: Seconds from the request to the last byte, or to the moment when the caller's time was up.
    seconds: float = 0.0

    @property
    def size(self) -> int:
        """Bytes received, the head included."""
        return self.reads[-1][1] if self.reads else 0

    def kbps(self) -> float | None:
        """The rate of the second half of the bytes, in 1,000 bits a second; None when nothing can be said.

        The first half holds what is not the path's rate: the server's thinking, TCP's slow start (RFC 5681
        3.1), and what a token bucket lets pass at once.
        """
        half = self.size / 2
        since, before = next(((t, size) for t, size in self.reads if size >= half), (0.0, 0))
        if self.seconds <= since or self.size <= before:
            # All in one read: the whole is all there is.
            since, before = 0.0, 0
        lasted = self.seconds - since
        return (self.size - before) * 8 / 1000 / lasted if lasted > 0 and self.size else None


async def pull(
    journal: Journal, connection: Stream | SecureStream, request: bytes, meter: Meter, *, cap: int
) -> None:
    """Send a request and read until ``cap`` bytes have come or the server ends; all is in the meter.

    The caller limits the time and closes the connection.
    """
    tcp = connection.tcp if isinstance(connection, SecureStream) else connection
    t0 = journal.now()
    noted = 0.0
    head = b""
    try:
        await connection.send(request)
        while meter.size < cap:
            data = await connection.receive()
            now = journal.now() - t0
            if not data:
                break
            meter.reads.append((now, meter.size + len(data)))
            meter.seconds = now
            if len(meter.start) < START and len(head) < _HEAD_CAP:
                head += data
                meter.status = _status(head)
                meter.start = _start(head)
            if now - noted >= _APART:
                noted = now
                _note(journal, tcp, t0, meter)
        if not meter.reads:
            meter.failure = EOF
    except OSError as error:
        meter.failure = translate(error)
    except trio.Cancelled:
        meter.seconds = journal.now() - t0
        raise
    finally:
        _note(journal, tcp, t0, meter)


def _status(head: bytes) -> int:
    """The status code, once the head is whole; 0 before."""
    line = head.split(b"\r\n", 1)[0].split(b" ")
    whole = _HEAD in head and len(line) > 1 and line[1].isdigit() and len(line[1]) == 3
    return int(line[1]) if whole else 0


def _start(head: bytes) -> bytes:
    """How the body begins, without the size of a first chunk (RFC 9112 7.1)."""
    fields, _, body = head.partition(_HEAD)
    if b"transfer-encoding: chunked" in fields.lower():
        body = body.partition(b"\r\n")[2]
    return body[:START]


def _note(journal: Journal, tcp: Stream, t0: float, meter: Meter) -> None:
    journal.event(
        "bytes_received_cumulative",
        tcp.transaction_id,
        tcp.tags,
        t0,
        failure=meter.failure,
        address=tcp.endpoint,
        proto="tcp",
        num_bytes=meter.size,
    )
