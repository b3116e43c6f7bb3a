"""What happened on the wire, in order: every step of one measurement writes itself down here.

A step that is cancelled by its caller's time limit is written too, as ``generic_timeout_error``: silence is
what was measured.
"""

from __future__ import annotations

from dataclasses import replace

import trio

from gatewatch.records import (
    Connect,
    Handshake,
    NetworkEvent,
    Query,
    ResidualWait,
    TestKeys,
    Transaction,
    encode,
)

# OONI's measurexlite keeps 64 network events a connection; a long body is not worth thousands.  The reads
# beyond are added to the last one, so that no byte is missing from the sum.
MAX_READS_PER_CONNECTION = 64
# Bodies that one measurement keeps, in bytes: eight full pages.  Each of ten redirects may bring one, and so
# may each second control; what is beyond is cut, and says so.
BODIES_CAP = 4 << 20


class Journal:
    """The records of one measurement while it runs; times are seconds since its start."""

    __slots__ = (
        "_clock",
        "_next",
        "_reads",
        "_start",
        "connects",
        "events",
        "handshakes",
        "queries",
        "transactions",
        "waits",
    )

    def __init__(self) -> None:
        # trio.current_time() looks for its clock each time, which is most of what a time costs.
        self._clock = trio.lowlevel.current_clock().current_time
        self._start = self._clock()
        self._next = 0
        # Where the reads of each connection stand among the events.
        self._reads: dict[int, list[int]] = {}
        self.queries: list[Query] = []
        self.connects: list[Connect] = []
        self.handshakes: list[Handshake] = []
        self.transactions: list[Transaction] = []
        self.events: list[NetworkEvent] = []
        self.waits: list[ResidualWait] = []

    def now(self) -> float:
        """Seconds since the measurement's start, to the microsecond."""
        return round(self._clock() - self._start, 6)

    def transaction(self) -> int:
        """Give the next transaction id: the records of one lookup or one connection share it."""
        self._next += 1
        return self._next

    def room(self) -> int:
        """How many bytes of bodies may still be kept."""
        bodies = (t.response.body for t in self.transactions if t.response is not None)
        return max(0, BODIES_CAP - sum(len(body or b"") for body in bodies))

    def event(
        self,
        operation: str,
        transaction_id: int,
        tags: tuple[str, ...],
        t0: float,
        *,
        failure: str | None = None,
        address: str | None = None,
        proto: str | None = None,
        num_bytes: int | None = None,
    ) -> None:
        """Write one df-008 event that began at ``t0`` and ends now."""
        if operation == "read" and failure is None:
            reads = self._reads.setdefault(transaction_id, [])
            if len(reads) >= MAX_READS_PER_CONNECTION:
                last = self.events[reads[-1]]
                size = (last.num_bytes or 0) + (num_bytes or 0)
                self.events[reads[-1]] = replace(last, num_bytes=size, t=self.now())
                return
            reads.append(len(self.events))
        self.events.append(
            NetworkEvent(
                address=address,
                failure=failure,
                num_bytes=num_bytes,
                operation=operation,
                proto=proto,
                t0=t0,
                t=self.now(),
                tags=tags,
                transaction_id=transaction_id,
            )
        )

    def drop_bodies(self) -> None:
        """Forget the bodies of what was fetched: where only the headers matter they need not be kept."""
        self.transactions = [
            t
            if t.response is None
            else replace(t, response=replace(t.response, body="", body_is_truncated=bool(t.response.body)))
            for t in self.transactions
        ]

    def keys(self, **own: object) -> TestKeys:
        """Give the measurement's test_keys; ``own`` are the keys of the test itself.

        Requests stand newest first, and what was asked to explain a failure behind the visit's own: readers
        of OONI's format take the first one for the page that the visit ended at.
        """
        if self.waits:
            own = {"x_gatewatch_residual": [encode(wait) for wait in self.waits], **own}
        aside = [t for t in self.transactions if "second" in (t.tags or ())]
        visit = [t for t in self.transactions if "second" not in (t.tags or ())]
        return TestKeys(
            queries=tuple(self.queries),
            tcp_connect=tuple(self.connects),
            tls_handshakes=tuple(self.handshakes),
            requests=tuple(reversed(aside + visit)),
            network_events=tuple(self.events),
            extra=own,
        )
