"""ICMP errors as Linux tells sockets of them: which errno, whether unasked, and the error queue's layout."""

from __future__ import annotations

import errno
import socket
import struct
from typing import NamedTuple

from gatewatch.lab.packet import UNREACHABLE

# <linux/errqueue.h>: struct sock_extended_err (errno, origin, type, code, padding, info, data), and the
# offender's struct sockaddr_in behind it.
_EXTENDED = struct.Struct("=IBBBBII")
_OFFENDER = struct.Struct("=HH4s8x")
_ORIGIN_ICMP = 2
# ICMP codes for "destination unreachable" as Linux turns them into errnos (icmp_err_convert), where it is not
# EHOSTUNREACH, and which of them are fatal for a connected datagram socket without IP_RECVERR.
_UNREACHABLE = {0: errno.ENETUNREACH, 2: errno.ENOPROTOOPT, 3: errno.ECONNREFUSED, 6: errno.ENETUNREACH}
_FATAL = frozenset({2, 3})

Address = tuple[str, int]


class IcmpError(NamedTuple):
    """An ICMP error about one of our packets: who sent it, with which TTL it came, what it quotes."""

    kind: int
    code: int
    offender: bytes
    ttl: int
    destination: Address
    quoted: bytes

    @property
    def errno(self) -> int:
        """The error number Linux derives from it."""
        codes = _UNREACHABLE if self.kind == UNREACHABLE else {}
        return codes.get(self.code, errno.EHOSTUNREACH)

    @property
    def fatal(self) -> bool:
        """Whether a connected datagram socket hears of it without asking for it."""
        return self.kind == UNREACHABLE and self.code in _FATAL

    def packed(self) -> bytes:
        """Give the control message IP_RECVERR as the kernel lays it out."""
        extended = _EXTENDED.pack(self.errno, _ORIGIN_ICMP, self.kind, self.code, 0, 0, 0)
        return extended + _OFFENDER.pack(socket.AF_INET, 0, self.offender)
