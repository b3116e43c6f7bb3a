"""One exchange to explain a failure: a handshake, a request, a SYN.  Not a probe, a part of web and sni.

Each is written into the usual lists with the tag ``second``, and as a row that says what it was for.  The
endpoints that it meets silent are not held against them, as the silence may be what another name left behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from gatewatch.net import stream, transfer
from gatewatch.net.journal import Journal
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url
from gatewatch.net.wire import Wire
from gatewatch.records import SecondControl
from gatewatch.records import failure as f
from gatewatch_probes.handshake import shake

SECOND = "second"
#: A SYN that may not arrive is waited for this long: the longest round trip there is, by satellite, and more.
LOW_TTL_WAIT = 2.0
_WORDS = {
    f.CONNECTION_RESET: "reset",
    "connection_aborted": "reset",
    "network_reset": "reset",
    f.EOF: "eof",
    f.GENERIC_TIMEOUT: "timeout",
    "timed_out": "timeout",
    f.CONNECTION_REFUSED: "refused",
    f.HOST_UNREACHABLE: "unreachable",
    f.NETWORK_UNREACHABLE: "unreachable",
}


def outcome_of(failure: str | None) -> str:
    """Say in one word what became of an exchange; whatever certificate or alert came is an answer."""
    if failure is None or failure.startswith("ssl_"):
        return "answered"
    return _WORDS.get(failure, "failed")


@dataclass(slots=True)
class Exchanges:
    """The second exchanges of one measurement, about one hop."""

    journal: Journal
    wire: Wire
    depth: int = 0
    rows: list[SecondControl] = field(default_factory=list)

    def _tags(self, kind: str) -> tuple[str, ...]:
        return (SECOND, kind, f"depth={self.depth}")

    async def handshake(self, kind: str, address: str, port: int, name: str) -> SecondControl:
        """Shake hands with ``name`` as SNI; the connection is closed at once."""
        async with self.wire.turns.take(address):
            secure = await self._secure(kind, address, port, name)
            if secure is not None:
                secure.close()
        return self._note(kind, address, port, name)

    async def page(self, kind: str, address: str, url: Url, host: str) -> SecondControl:
        """GET a URL from an address; of another host the first page, so that no path is told to strangers."""
        asked = Url(url.scheme, host, url.port, url.target if host == url.host else "/")
        async with self.wire.turns.take(address):
            connection: Stream | SecureStream | None
            if url.scheme == "https":
                connection = await self._secure(kind, address, url.port, host)
            else:
                connection = await self._connect(kind, address, url.port)
            if connection is not None:
                try:
                    with trio.move_on_after(self.wire.limits.transfer):
                        await transfer.exchange(self.journal, connection, asked)
                finally:
                    connection.close()
        return self._note(kind, address, url.port, host)

    async def syn(self, kind: str, address: str, port: int, ttl: int | None = None) -> SecondControl:
        """Connect, with the SYN's TTL limited or not, and close at once."""
        async with self.wire.turns.take(address):
            tcp = await self._connect(kind, address, port, ttl)
            if tcp is not None:
                tcp.close()
        return self._note(kind, address, port, "", ttl)

    async def _connect(self, kind: str, address: str, port: int, ttl: int | None = None) -> Stream | None:
        tcp: Stream | None = None
        with trio.move_on_after(self.wire.limits.connect if ttl is None else LOW_TTL_WAIT):
            tcp, _ = await stream.connect(self.journal, address, port, tags=self._tags(kind), ttl=ttl)
        return tcp

    async def _secure(self, kind: str, address: str, port: int, name: str) -> SecureStream | None:
        tcp = await self._connect(kind, address, port)
        return None if tcp is None else await shake(self.journal, self.wire, tcp, name)

    def _note(self, kind: str, address: str, port: int, name: str, ttl: int | None = None) -> SecondControl:
        """Write the row, read off the records that were just written under the last connection's number."""
        ours = [
            c for c in self.journal.connects if kind in (c.tags or ()) and (c.ip, c.port) == (address, port)
        ]
        tcp = ours[-1]
        steps = [tcp.status.failure]
        steps += [h.failure for h in self.journal.handshakes if h.transaction_id == tcp.transaction_id]
        steps += [t.failure for t in self.journal.transactions if t.transaction_id == tcp.transaction_id]
        outcome = outcome_of(steps[-1])
        if len(steps) == 1 and name and steps[0] is not None:
            outcome = "no_connection"
        row = SecondControl(
            kind=kind,
            depth=self.depth,
            address=address,
            port=port,
            name=name,
            ttl=ttl,
            outcome=outcome,
            failure=steps[-1],
            transaction_id=tcp.transaction_id or 0,
            t=self.journal.now(),
        )
        self.rows.append(row)
        if "test" in kind and outcome in ("reset", "eof", "timeout"):
            self.wire.cut(address, port, name)
        return row
