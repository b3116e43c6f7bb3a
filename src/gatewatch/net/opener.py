"""Sockets that need CAP_NET_RAW, opened by a process that does nothing else and reads no packet.

The process that reads packets of strangers holds no capability.  A child made before that keeps CAP_NET_RAW,
and hands over sockets of two kinds (unix(7), SCM_RIGHTS): packet sockets that see one flow, whose filter is
attached and locked before they are handed over, and the raw sockets that a traceroute needs.  It ends with
its parent.  Where there is no such child, as in a test or a library's use, this process opens them itself.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from typing import Final

from gatewatch.net import privilege

#: Bytes of answers to a traceroute of thousands that the kernel keeps.
RAW_ROOM: Final = 16 << 20
#: Bytes of a question, and of an answer.
LONGEST: Final = 256

_child: socket.socket | None = None


def start() -> None:
    """Make the child, where this process may open such sockets, and give up all capabilities here.

    Call it before trio runs and before there are threads.  Does nothing in a process that is not our own
    (:func:`gatewatch.net.privilege.own_process`).
    """
    global _child
    if not privilege.is_own() or sys.platform != "linux":
        return
    if _child is None and privilege.NET_RAW in privilege.held():
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        if os.fork() == 0:
            from gatewatch.net import opening

            ours.close()
            opening.serve(theirs, parent)
        theirs.close()
        _child = ours
    privilege.forgo()


def flow(address: str, port: int, source_port: int, protocol: int) -> socket.socket:
    """Give a packet socket that sees one flow and ICMP about it; raises OSError."""
    return _ask(["flow", address, port, source_port, protocol])


def raw(family: int, protocol: int) -> socket.socket:
    """Give a raw socket (raw(7)) with a large buffer; raises OSError."""
    return _ask(["raw", int(family), protocol])


def _ask(wanted: list[str | int]) -> socket.socket:
    if sys.platform != "linux":
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    if _child is None:
        from gatewatch.net import opening

        return opening.opened(wanted)
    _child.send(json.dumps(wanted).encode())
    answer, fds, _, _ = socket.recv_fds(_child, LONGEST, 1)
    if fds:
        sock = socket.socket(fileno=fds[0])
        sock.setblocking(False)
        return sock
    number = int(answer or b"0") or errno.EPIPE
    raise OSError(number, os.strerror(number))
