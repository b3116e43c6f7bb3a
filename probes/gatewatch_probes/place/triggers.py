"""What a filter is provoked with, layer by layer, and how its answer is told from an honest one; no probe.

Each trigger belongs to one flow.  ``control`` is the same exchange with a name that nobody filters; ``sweep``
is a packet of the same flow that names nothing, for learning who answers on the way.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import trio

from gatewatch.locus import Path, Sighting
from gatewatch.net import dnswire, hello, quic, quicwire
from gatewatch.net.shot import UNUSED, Echo, Flow

# An innocuous name for controls: reserved for documentation, and served by everybody's default host.
CONTROL_NAME = "example.com"
# A control is an ordinary exchange: with retransmissions it may take a few seconds on a poor line.
_CONTROL_WINDOW = 4.0
_CONNECT = 8.0


class Trigger(Protocol):
    """One way of provoking a filter."""

    method: str
    #: Whether what comes back at the server's TTL tells a forged answer from the server's own.
    sure_at_server: bool
    #: Whether two answers of one server to it are alike, as :func:`differ` sees them.
    alike: bool
    #: Whether packets of a low TTL can be kept out.
    screens: bool
    flow: Flow

    async def sweep(self, ttl: int, window: float) -> Echo | None:
        """Send a packet that names nothing."""
        ...

    async def control(self, *, screen: int = 0) -> bool:
        """Do the whole exchange with an innocuous name; tells whether it went well."""
        ...

    async def fire(self, ttl: int, window: float, *, screen: int = 0) -> list[Echo] | None:
        """Send the forbidden name once; None when there was no connection to send it on."""
        ...

    def reads(self, echoes: list[Echo], ttl: int, path: Path) -> Sighting:
        """Say what came of it."""
        ...

    def lies(self, echoes: list[Echo]) -> bool:
        """Tell whether an answer says what is known not to be so, whoever gives it."""
        ...

    def disown(self, echoes: list[Echo]) -> bool:
        """Learn that an answer is a forged one; tells whether its like is known when it comes again."""
        ...


def differ(one: list[Echo], other: list[Echo]) -> bool:
    """Tell whether two answers are from two hands: another first line, or other header names.

    Only for answers to one and the same request, where a server changes its values and not its habits.
    """
    a, b = (next((e.data for e in echoes if e.kind == "data"), b"") for echoes in (one, other))
    return bool(a) and bool(b) and _habits(a) != _habits(b)


def _habits(data: bytes) -> tuple[bytes, frozenset[bytes]]:
    first, *lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return first, frozenset(line.partition(b":")[0].lower() for line in lines)


def reading(
    echoes: list[Echo], ttl: int, path: Path, honest: Callable[[bytes], bool] = lambda _: True
) -> Sighting:
    """Sort what came back: before the server's TTL no honest data can come, only a router's word.

    At the server's, data are forged that are not in its language or come before it can have answered.
    """
    soonest = path.soonest(ttl)
    for number, echo in enumerate(echoes):
        # An end behind data is theirs.
        if (
            echo.kind in ("reset", "refused")
            or (echo.kind == "ended" and not any(e.kind == "data" for e in echoes[:number]))
            or (echo.kind == "data" and (ttl < path.length or echo.rtt < soonest or not honest(echo.data)))
        ):
            return Sighting(ttl, "interfered", echo.rtt, reply_ttl=echo.ttl)
    passed = ("data", "open") if ttl >= path.length else ("expired", "unreachable")
    # A router's word that comes too soon for its distance is about another packet: an acknowledgement of
    # something left over, sent with the low TTL as well.
    word = next((echo for echo in echoes if echo.kind in passed and echo.rtt >= soonest), None)
    return Sighting(ttl, "expired", word.rtt) if word else Sighting(ttl, "silent")


@dataclass(slots=True)
class Spoken:
    """A payload on an established TCP connection."""

    method: str
    flow: Flow
    forbidden: Callable[[], bytes]
    innocuous: Callable[[], bytes]
    honest: Callable[[bytes], bool]
    alike: bool
    sure_at_server: bool = False
    screens: bool = True
    _forged: tuple[bytes, frozenset[bytes]] | None = None

    async def sweep(self, ttl: int, window: float) -> Echo | None:
        """Send a packet that names nothing."""
        return await self.flow.syn(ttl, window)

    async def control(self, *, screen: int = 0) -> bool:
        """Do the exchange with an innocuous name."""
        echoes: list[Echo] | None = None
        with trio.move_on_after(_CONNECT + _CONTROL_WINDOW):
            echoes = await self.flow.say(self.innocuous(), 64, _CONTROL_WINDOW, screen=screen, once=False)
        return bool(echoes) and echoes is not None and echoes[0].kind == "data"

    async def fire(self, ttl: int, window: float, *, screen: int = 0) -> list[Echo] | None:
        """Send the trigger once."""
        with trio.move_on_after(_CONNECT):
            return await self.flow.say(self.forbidden(), ttl, window, screen=screen)
        return None

    def reads(self, echoes: list[Echo], ttl: int, path: Path) -> Sighting:
        """Say what came of it."""
        return reading(echoes, ttl, path, lambda data: self.honest(data) and _habits(data) != self._forged)

    def lies(self, echoes: list[Echo]) -> bool:
        """Tell nothing: the truth is not known."""
        return False

    def disown(self, echoes: list[Echo]) -> bool:
        """Learn that an answer is a forged one; tells whether its like is known when it comes again."""
        if self.alike:
            self._forged = _habits(next((e.data for e in echoes if e.kind == "data"), b""))
        return self.alike


def _tls_answer(data: bytes) -> bool:
    found = hello.first_answer(data)
    return found is None or found[0] != "other"


def tls(flow: Flow, name: str) -> Trigger:
    """A ClientHello with the name as SNI, in one segment."""
    return Spoken(
        "tls",
        flow,
        lambda: hello.client_hello(name),
        lambda: hello.client_hello(CONTROL_NAME),
        _tls_answer,
        # Whose certificate it is cannot be read (RFC 8446 encrypts it), and a hello is half random.
        alike=False,
    )


def http(flow: Flow, host: str, target: str = "/") -> Trigger:
    """A GET with the name as Host, in one segment."""

    def request(name: str) -> bytes:
        return f"GET {target} HTTP/1.1\r\nHost: {name}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode(
            "ascii"
        )

    # Whose page it is cannot be told from its bytes alone: one hop before the server it can.
    return Spoken("http", flow, lambda: request(host), lambda: request(CONTROL_NAME), lambda _: True, True)


@dataclass(slots=True)
class Opening:
    """A SYN: for filters that act on addresses.  Its sweep is a datagram to a port where nobody listens."""

    flow: Flow
    method: str = "syn"
    sure_at_server: bool = True
    alike: bool = False
    screens: bool = True

    async def sweep(self, ttl: int, window: float) -> Echo | None:
        """Send a packet that names nothing."""
        aside = Flow(self.flow.address, UNUSED, self.flow.source_port)
        echoes = await aside.datagram(b"gatewatch", ttl, window)
        if not echoes:
            return None
        first = echoes[0]
        return Echo("open", first.rtt, first.router) if first.router == self.flow.address else first

    async def control(self, *, screen: int = 0) -> bool:
        """Do the exchange with an innocuous name."""
        # This filter lets no TCP pass to its address: the path itself is the control.
        return any([await self.sweep(64, 1.0) for _ in range(3)])

    async def fire(self, ttl: int, window: float, *, screen: int = 0) -> list[Echo] | None:
        """Send the trigger once."""
        # Below a second, so that the kernel's own second SYN is never sent.
        echo = await self.flow.syn(ttl, min(window, 0.9), screen=screen)
        return [] if echo is None else [echo]

    def reads(self, echoes: list[Echo], ttl: int, path: Path) -> Sighting:
        """Say what came of it."""
        return reading(echoes, ttl, path)

    def lies(self, echoes: list[Echo]) -> bool:
        """Tell nothing: the truth is not known."""
        return False

    def disown(self, echoes: list[Echo]) -> bool:
        """Learn nothing: its answers are told apart otherwise."""
        return True


@dataclass(slots=True)
class Question:
    """A DNS question over UDP."""

    flow: Flow
    name: str
    control_name: str = CONTROL_NAME
    method: str = "dns"
    #: Tells a true answer from a lie, where the truth is known.
    true: Callable[[bytes], bool] = lambda data: True
    sure_at_server: bool = False
    alike: bool = False
    _forged: bool = False
    screens: bool = False

    async def _ask(self, name: str, ttl: int, window: float, wait: float) -> list[Echo]:
        txid = secrets.randbelow(1 << 16)
        own = txid.to_bytes(2, "big")
        return await self.flow.datagram(
            dnswire.query(name, "A", txid), ttl, window, wait=wait, mine=lambda data: data[:2] == own
        )

    async def sweep(self, ttl: int, window: float) -> Echo | None:
        """Send a packet that names nothing."""
        echoes = await self._ask(self.control_name, ttl, window, 0.0)
        first = next(iter(echoes), None)
        return Echo("open", first.rtt) if first is not None and first.kind == "data" else first

    async def control(self, *, screen: int = 0) -> bool:
        """Do the exchange with an innocuous name."""
        for _ in range(3):
            echoes = await self._ask(self.control_name, 64, _CONTROL_WINDOW / 2, 0.0)
            if any(echo.kind == "data" for echo in echoes):
                return True
        return False

    async def fire(self, ttl: int, window: float, *, screen: int = 0) -> list[Echo] | None:
        """Send the trigger once."""
        return await self._ask(self.name, ttl, window, 0.06)

    def reads(self, echoes: list[Echo], ttl: int, path: Path) -> Sighting:
        """Say what came of it."""
        # The server's own lies are no interference on the way; those of whoever answers for it are.
        forged = path.goes_on or self._forged
        return reading(echoes, ttl, path, lambda data: not forged or self.true(data))

    def lies(self, echoes: list[Echo]) -> bool:
        """Tell a lie from a true answer."""
        return any(echo.kind == "data" and not self.true(echo.data) for echo in echoes)

    def disown(self, echoes: list[Echo]) -> bool:
        """Learn that lies come from the way; tells whether this is one."""
        self._forged = self.lies(echoes)
        return self._forged


@dataclass(slots=True)
class Greeting:
    """A QUIC Initial with the name as SNI; its sweep asks for versions, which names nothing."""

    flow: Flow
    name: str
    method: str = "quic"
    sure_at_server: bool = True
    alike: bool = False
    screens: bool = False

    async def sweep(self, ttl: int, window: float) -> Echo | None:
        """Ask for versions."""
        asked = quicwire.question()
        echoes = await self.flow.datagram(
            asked.packet, ttl, window, wait=0.0, mine=lambda data: quicwire.versions(asked, data) is not None
        )
        first = next(iter(echoes), None)
        return Echo("open", first.rtt) if first is not None and first.kind == "data" else first

    async def control(self, *, screen: int = 0) -> bool:
        """Send an Initial with an innocuous name; any answer to it will do."""
        for _ in range(3):
            if any(
                echo.kind == "data" for echo in await self._greet(CONTROL_NAME, 64, _CONTROL_WINDOW / 2, 0.2)
            ):
                return True
        return False

    async def _greet(self, name: str, ttl: int, window: float, wait: float) -> list[Echo]:
        """Send an Initial; a server's answers carry its identifier, and late ones to others do not."""
        packet = quic.initial(name)
        own = quicwire.source_id(packet)
        return await self.flow.datagram(
            packet, ttl, window, wait=wait, mine=lambda data: quicwire.destination_id(data, len(own)) == own
        )

    async def fire(self, ttl: int, window: float, *, screen: int = 0) -> list[Echo] | None:
        """Send the name."""
        return await self._greet(self.name, ttl, window, 0.06)

    def reads(self, echoes: list[Echo], ttl: int, path: Path) -> Sighting:
        """Say what came of it."""
        return reading(echoes, ttl, path)

    def lies(self, echoes: list[Echo]) -> bool:
        """Tell nothing: the truth is not known."""
        return False

    def disown(self, echoes: list[Echo]) -> bool:
        """Learn nothing: its answers are told apart otherwise."""
        return True
