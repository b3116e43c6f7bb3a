"""ICMP errors as Linux tells sockets of them: which errno, whether unasked, and the error queue's layout."""

from __future__ import annotations

import errno
import socket
import struct
import sys
from typing import NamedTuple

from gatewatch.lab.path.icmp import TOO_BIG, TOO_BIG6, UNREACHABLE, UNREACHABLE6

# <linux/errqueue.h>: struct sock_extended_err (errno, origin, type, code, padding, info, data), and the
# offender's struct sockaddr_in or sockaddr_in6 behind it.
_EXTENDED = struct.Struct("=IBBBBII")
_OFFENDER = struct.Struct("=HH4s8x")
_OFFENDER6 = struct.Struct("=HHI16sI")
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
# ICMP codes for "destination unreachable" as Linux turns them into errnos (icmp_err_convert), where it is not
# EHOSTUNREACH, and which of them are fatal for a connected datagram socket without IP_RECVERR.
_UNREACHABLE = {
    0: errno.ENETUNREACH,
    2: errno.ENOPROTOOPT,
    3: errno.ECONNREFUSED,
    TOO_BIG: errno.EMSGSIZE,
    6: errno.ENETUNREACH,
}
_FATAL = frozenset({2, 3, TOO_BIG})
# The same for ICMPv6 (icmpv6_err_convert).
_UNREACHABLE6 = {
    0: errno.ENETUNREACH,
    1: errno.EACCES,
    4: errno.ECONNREFUSED,
    5: errno.EACCES,
    6: errno.EACCES,
}
_FATAL6 = frozenset({1, 4, 5, 6})

#: What socket calls take and give: address and port, and for IPv6 flow information and scope behind them.
Address = tuple[str, int] | tuple[str, int, int, int]


class IcmpError(NamedTuple):
    """An ICMP error about one of our packets: who sent it, with which TTL it came, what it quotes."""

    kind: int
    code: int
    offender: bytes
    ttl: int
    destination: Address
    quoted: bytes
    mtu: int = 0
    extension: int = 0  # where behind the quoted header RFC 4884's extension begins; 0: none

    @property
    def six(self) -> bool:
        """Whether it is an ICMPv6 error, with RFC 4443's kinds and codes."""
        return len(self.offender) == 16

    @property
    def errno(self) -> int:
        """The error number Linux derives from it."""
        if self.six and self.kind == TOO_BIG6:
            return errno.EMSGSIZE
        unreachable, codes = (UNREACHABLE6, _UNREACHABLE6) if self.six else (UNREACHABLE, _UNREACHABLE)
        return codes.get(self.code, errno.EHOSTUNREACH) if self.kind == unreachable else errno.EHOSTUNREACH

    @property
    def fatal(self) -> bool:
        """Whether a connected datagram socket hears of it without asking for it."""
        if self.six:
            return self.kind == TOO_BIG6 or (self.kind == UNREACHABLE6 and self.code in _FATAL6)
        return self.kind == UNREACHABLE and self.code in _FATAL

    def packed(self, *, extension: bool = False) -> bytes:
        """Give the control message IP_RECVERR or IPV6_RECVERR as the kernel lays it out.

        ``extension``: tell where the extension begins, as IP_RECVERR_RFC4884 asks (struct
        sock_ee_data_rfc4884).
        """
        origin = _ORIGIN_ICMP6 if self.six else _ORIGIN_ICMP
        data = int.from_bytes(struct.pack("=HBB", self.extension, 0, 0), sys.byteorder) if extension else 0
        extended = _EXTENDED.pack(self.errno, origin, self.kind, self.code, 0, self.mtu, data)
        if self.six:
            return extended + _OFFENDER6.pack(socket.AF_INET6, 0, 0, self.offender, 0)
        return extended + _OFFENDER.pack(socket.AF_INET, 0, self.offender)
