"""Listening beside the kernel's TCP: the packets of one flow, and ICMP about them, as they came.

A packet socket (packet(7)) needs CAP_NET_RAW and nothing else: no TCP of our own, no firewall rule.  It is
opened only when somebody asks for it, by a process that does nothing else (:mod:`gatewatch.net.opener`); it
sees one flow by a filter in the kernel (:mod:`gatewatch.net.bpf`), and keeps what comes in the kernel's own
buffer, whose size bounds it, until :meth:`Capture.take`.  As the socket is of the kind without link layer, no
MAC address is ever read.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gatewatch.net import opener

# linux/if_ether.h, if_packet.h, asm-generic/socket.h: Python does not name them all.
_OUTGOING = 4
_SO_TIMESTAMPNS = 35
#: Kept for one flow between two looks; a trigger and all that it provokes is a dozen packets.
MOST_PACKETS = 512
_LONGEST = 65535


class Unavailable(RuntimeError):
    """Packets cannot be captured here; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Caught:
    """One packet from its IP header on.

    ``time``: seconds, of which only differences mean anything.  ``sent``: it left this machine.
    """

    time: float
    sent: bool
    data: bytes


class Capture(Protocol):
    """Somebody who listens to one flow."""

    def take(self) -> list[Caught]:
        """What has come since the last time, in order, :data:`MOST_PACKETS` at most; never waits."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


Opener = Callable[[str, int, int, int], Capture]


class _PacketSocket:
    """A packet socket that sees one flow."""

    _sock: socket.socket

    def __init__(self, address: str, port: int, source_port: int, protocol: int) -> None:
        if sys.platform != "linux":
            raise Unavailable(why())
        try:
            self._sock = opener.flow(address, port, source_port, protocol)
        except PermissionError:
            raise Unavailable(_NO_CAPABILITY) from None
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def take(self) -> list[Caught]:
        """What has come since the last time."""
        found: list[Caught] = []
        if sys.platform == "linux":
            with contextlib.suppress(BlockingIOError):
                while len(found) < MOST_PACKETS:
                    data, ancillary, _, sender = self._sock.recvmsg(_LONGEST, 64)
                    found.append(Caught(_stamp(ancillary), sender[2] == _OUTGOING, data))
        # Two processors may hand packets over in another order than they stamped them.
        return sorted(found, key=lambda caught: caught.time)

    def close(self) -> None:
        """Stop listening."""
        self._sock.close()


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            half = len(value) // 2  # a struct timespec, of whatever width
            return (
                int.from_bytes(value[:half], sys.byteorder)
                + int.from_bytes(value[half:], sys.byteorder) / 1e9
            )
    return 0.0


_NO_CAPABILITY = (
    "deep mode needs the capability CAP_NET_RAW: run it as root, or give it to this Python once with "
    "setcap cap_net_raw+ep (a copy of it is wiser)"
)
_open: Opener = _PacketSocket


def use(opener: Opener) -> Opener:
    """Listen through somebody else, as a lab in memory does; gives who did so far."""
    global _open
    before, _open = _open, opener
    return before


def listen(address: str, port: int, source_port: int, protocol: int = socket.IPPROTO_TCP) -> Capture:
    """Listen to a flow; raises :class:`Unavailable`."""
    return _open(address, port, source_port, protocol)


def why() -> str:
    """Say in one sentence why packets cannot be captured here; empty where they can."""
    if _open is not _PacketSocket:
        return ""
    if sys.platform != "linux":
        return f"deep mode needs Linux: packets cannot be captured on {sys.platform} without other software"
    try:
        # As listen() does it, of a flow that is nobody's.
        opener.flow("127.0.0.1", 9, 9, socket.IPPROTO_UDP).close()
    except PermissionError:
        return _NO_CAPABILITY
    except OSError as error:
        return f"this kernel has no packet sockets: {error.strerror}"
    return ""
