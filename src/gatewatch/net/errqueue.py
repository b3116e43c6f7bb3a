"""ICMP errors without privileges: Linux keeps them, with who sent them, in a socket's error queue.

IP_RECVERR and struct sock_extended_err: ip(7), linux/errqueue.h.  Other systems have nothing like it for
ordinary users.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

#: Whether this system has error queues at all.
AVAILABLE = sys.platform == "linux"
# linux/in.h and linux/socket.h; Python does not name them.
IP_RECVERR = 11
MSG_ERRQUEUE = 0x2000
_EXTENDED_ERR = struct.Struct("=IBBBBII")
# SO_EE_ORIGIN_ICMP: the error came from the network, not from this machine.
_ORIGIN_ICMP = 2
_CONTROL_SIZE = 512


@dataclass(frozen=True, slots=True)
class IcmpError:
    """One ICMP error: who sent it, its type and code, and the payload of ours that it quotes."""

    address: str
    icmp_type: int
    icmp_code: int
    quoted: bytes


def parse(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> IcmpError | None:
    """Read what recvmsg(MSG_ERRQUEUE) gave; None when it is no ICMP error."""
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_RECVERR and len(value) >= _EXTENDED_ERR.size + 8:
            _, origin, icmp_type, icmp_code, _, _, _ = _EXTENDED_ERR.unpack_from(value)
            if origin == _ORIGIN_ICMP:
                # The offender is a struct sockaddr_in: family, port, address.
                address = socket.inet_ntoa(value[_EXTENDED_ERR.size + 4 : _EXTENDED_ERR.size + 8])
                return IcmpError(address, icmp_type, icmp_code, data)
    return None
