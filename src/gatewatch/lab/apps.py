"""The door between the lab's packet engine and its servers: what each may ask of the other.

Everything behind this door is sans-IO: the engine calls, the servers answer with bytes, and neither knows
about sockets or clocks.  The engine's userspace TCP implements :class:`Connection`;
:mod:`gatewatch.lab.world` implements :class:`Internet`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol


class Connection(Protocol):
    """What a server application may do to its TCP connection."""

    peer: tuple[str, int]
    local: tuple[str, int]

    def write(self, data: bytes) -> None:
        """Queue bytes for the client."""
        ...

    def feed(self, source: Iterator[bytes]) -> None:
        """Send what an iterator gives, asking for more only as fast as the client takes it."""
        ...

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call something after so many seconds, unless the connection is over by then."""
        ...

    def close(self) -> None:
        """Send FIN after the queued data."""
        ...

    def abort(self) -> None:
        """Send RST now and drop what is queued."""
        ...


class StreamApp(Protocol):
    """A server application on one accepted TCP connection."""

    def data_received(self, data: bytes) -> None:
        """Take the next bytes from the client."""
        ...

    def eof_received(self) -> None:
        """Learn that the client has sent FIN."""
        ...


class TalkLine(Protocol):
    """What a server application may do on a conversation over UDP."""

    peer: tuple[str, int]
    local: tuple[str, int]

    def send(self, data: bytes) -> None:
        """Send one datagram to the client."""
        ...

    def wake(self, at: float | None) -> None:
        """Choose when :meth:`DatagramApp.expired` is called next, on its clock; None: never."""
        ...

    def end(self) -> None:
        """Forget the conversation."""
        ...


class DatagramApp(Protocol):
    """A server application on one client's conversation over UDP."""

    def received(self, data: bytes, now: float) -> None:
        """Take a datagram from the client."""
        ...

    def expired(self, now: float) -> None:
        """Learn that the time set by :meth:`TalkLine.wake` has come."""
        ...


class Internet(Protocol):
    """Everything beyond the emulated path: who exists, what they serve."""

    def accept(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Give the application for a new connection; None means refused (RST to the SYN)."""
        ...

    def datagram(self, address: str, port: int, source: tuple[str, int], data: bytes) -> bytes | None:
        """Answer a UDP datagram; None means ICMP port unreachable, ``b""`` means silently swallowed."""
        ...

    def talk(self, address: str, port: int, line: TalkLine) -> DatagramApp | None:
        """Give the application for a new conversation over UDP; None: :meth:`datagram` answers each alone."""
        ...

    def exists(self, address: str) -> bool:
        """Say whether packets to this address arrive anywhere; False means that they vanish (blackhole)."""
        ...

    def address_of(self, name: str) -> tuple[str, ...]:
        """Give the true A and AAAA records of a name, A first; () when it does not exist."""
        ...

    def names_at(self, address: str) -> tuple[str, ...]:
        """Give the names that an address was handed out for, or the address itself when there is none."""
        ...
