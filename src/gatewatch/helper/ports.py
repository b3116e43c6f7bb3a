"""Ports that only say that they can be reached: a line over TCP, an echo of a nonce over UDP.

Nothing of the services that usually live there is spoken.  An answer is never larger than what asked for it,
comes only to those who know our words, and so often only; nothing is kept but the counts of
:mod:`gatewatch.helper.admission`.
"""

from __future__ import annotations

import contextlib
import socket

import trio

from gatewatch.helper.admission import Allowance, TooOften
from gatewatch.records.ports import DATAGRAM, GREETING, answer
from gatewatch_targets import service_ports

#: A port and its transport, tcp or udp.
Port = tuple[int, str]

# A run tries some twenty ports, at most four times.
_RATE, _BURST = 10.0, 120.0
# Of all clients together: with forged sources, 32 bytes each, 50 KB/s at most leave again.
_ALL_RATE, _ALL_BURST = 1000.0, 1000.0
# Seconds for a client to take one line, and to end its side.
_TIME = 5.0
#: At most so many ports are opened.
MOST = 128


def read(text: str) -> tuple[tuple[Port, ...], bool]:
    """Read --ports: numbers, with /tcp or /udp or for both; ``vpn`` is our table.

    Gives the ports, and whether each of them was named (else one that is taken is left out).  Raises
    ValueError.
    """
    found: dict[Port, None] = {}
    named = True
    for word in text.replace(",", " ").split():
        if word == "vpn":
            named = False
            found |= dict.fromkeys((entry.port, entry.transport) for entry in service_ports())
            continue
        number, _, transport = word.partition("/")
        if not (number.isascii() and number.isdigit() and 0 < int(number) < 65536):
            raise ValueError(f"{word!r} is no port")
        if transport not in ("", "tcp", "udp"):
            raise ValueError(f"{word!r}: {transport!r} is neither tcp nor udp")
        found |= dict.fromkeys((int(number), t) for t in ([transport] if transport else ["tcp", "udp"]))
    if len(found) > MOST:
        raise ValueError(f"more than {MOST} ports")
    return tuple(found), named


class Answering:
    """What the ports have in common: how often they answer."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self._each = allowance or Allowance(_RATE, _BURST)
        self._all = Allowance(_ALL_RATE, _ALL_BURST)

    def _may(self, address: str) -> bool:
        try:
            # In this order: whoever has had his share uses up nobody else's.
            self._each.spend(address, 1, trio.current_time())
            self._all.spend("", 1, trio.current_time())
        except TooOften:
            return False
        return True

    async def greet(self, tcp: trio.SocketStream, peer: tuple[str, int]) -> None:
        """Serve a TCP port: one line, and the end."""
        if not self._may(peer[0]):
            return
        with trio.move_on_after(_TIME):
            await tcp.send_all(GREETING)
            await tcp.send_eof()
            # A close in its face would be a reset.  Whoever has much to say is cut short.
            for _ in range(16):
                if not await tcp.receive_some(1024):
                    break

    async def answer(self, sock: trio.socket.SocketType) -> None:
        """Serve a UDP port until cancelled."""
        while True:
            try:
                # One byte more than a question has, to see that it is longer.
                data, peer = await sock.recvfrom(DATAGRAM + 1)
            except OSError:
                # An ICMP error about an earlier answer (on Windows, also a datagram that is too long).
                await trio.lowlevel.checkpoint()
                continue
            said = answer(data)
            if said is not None and self._may(peer[0]):
                with contextlib.suppress(OSError):
                    await sock.sendto(said, peer)


async def open_udp(host: str, port: int) -> list[trio.socket.SocketType]:
    """Open a UDP port at each address that a host stands for; raises OSError."""
    found: list[trio.socket.SocketType] = []
    try:
        for family, kind, proto, _, address in await trio.socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        ):
            sock = trio.socket.socket(family, kind, proto)
            found.append(sock)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            await sock.bind(address)
    except OSError:
        for sock in found:
            sock.close()
        raise
    return found
