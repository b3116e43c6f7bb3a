"""ICMP errors without privileges: Linux keeps them, with who sent them, in a socket's error queue.

IP_RECVERR, IPV6_RECVERR and struct sock_extended_err: ip(7), ipv6(7), linux/errqueue.h.  Other systems have
nothing like it for ordinary users.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

#: Whether this system has error queues at all.
AVAILABLE = sys.platform == "linux"
# linux/in.h, linux/in6.h and linux/socket.h; Python does not name them.
IP_RECVERR = 11
IPV6_RECVERR = 25
MSG_ERRQUEUE = 0x2000
_EXTENDED_ERR = struct.Struct("=IBBBBII")
# SO_EE_ORIGIN_ICMP and _ICMP6: the error came from the network, not from this machine.
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_CONTROL_SIZE = 512
# RFC 4443 types in the words of RFC 792, so that a hop's record reads alike in both families: time exceeded,
# unreachable.  ICMPv6 code 4 is "port unreachable", which is code 3 in IPv4.
_TYPES6 = {3: 11, 1: 3}
_CODES6 = {(1, 4): 3}
# ICMPV6 "packet too big" is an unreachable of code 4 in IPv4.
_TOO_BIG6 = 2


@dataclass(frozen=True, slots=True)
class IcmpError:
    """One ICMP error: who sent it, its type and code as in IPv4, and the payload of ours that it quotes."""

    address: str
    icmp_type: int
    icmp_code: int
    quoted: bytes


def listen(sock: socket.socket, family: int) -> None:
    """Make a socket keep ICMP errors about its packets."""
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def parse(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> IcmpError | None:
    """Read what recvmsg(MSG_ERRQUEUE) gave; None when it is no ICMP error."""
    for level, kind, value in ancillary:
        if len(value) < _EXTENDED_ERR.size + 8:
            continue
        _, origin, icmp_type, icmp_code, _, _, _ = _EXTENDED_ERR.unpack_from(value)
        offender = value[_EXTENDED_ERR.size :]
        if (level, kind, origin) == (socket.IPPROTO_IP, IP_RECVERR, _ORIGIN_ICMP):
            # A struct sockaddr_in: family, port, address.
            return IcmpError(socket.inet_ntoa(offender[4:8]), icmp_type, icmp_code, data)
        if (level, kind, origin) == (socket.IPPROTO_IPV6, IPV6_RECVERR, _ORIGIN_ICMP6):
            # A struct sockaddr_in6: family, port, flow information, address, scope.
            if len(offender) < 24:
                continue
            who = socket.inet_ntop(socket.AF_INET6, offender[8:24])
            if icmp_type == _TOO_BIG6:
                return IcmpError(who, 3, 4, data)
            return IcmpError(
                who,
                _TYPES6.get(icmp_type, icmp_type),
                _CODES6.get((icmp_type, icmp_code), icmp_code),
                data,
            )
    return None
