"""What the child does that opens sockets with CAP_NET_RAW (:mod:`gatewatch.net.opener`)."""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("packet sockets exist on Linux only")

import contextlib
import ctypes
import errno
import json
import os
import signal
import socket
import struct
from typing import NoReturn

from gatewatch.net import bpf, privilege
from gatewatch.net.opener import LONGEST, RAW_ROOM

# linux/if_ether.h, asm-generic/socket.h, linux/prctl.h: Python does not name them all.
_EVERYTHING = 0x0003
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_LOCK_FILTER = 26, 33, 44
_PR_SET_PDEATHSIG = 1
# Bytes of one flow's packets that the kernel keeps until somebody looks.
_FLOW_ROOM = 1 << 20
# What raw sockets hear or send: ICMP, TCP, ICMPv6, and packets whose header we write.
_RAW = frozenset({(2, 1), (2, 6), (2, 255), (10, 58), (10, 6), (10, 255)})


def opened(wanted: list[str | int]) -> socket.socket:
    """Open what is asked for, if it is one of the sockets that gatewatch uses; raises OSError."""
    match wanted:
        case ["flow", str(address), int(port), int(source_port), int(protocol)]:
            code = bpf.packed(bpf.flow(address, port, source_port, protocol))
            # Of protocol 0 it hears nothing yet; so it never holds what the filter would not let through.
            sock = _fitted(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0), _FLOW_ROOM, code)
            return _hearing(sock)
        case ["raw", int(family), int(protocol)] if (family, protocol) in _RAW:
            return _fitted(socket.socket(family, socket.SOCK_RAW, protocol), RAW_ROOM, b"")
    raise OSError(errno.EPERM, "no such socket is opened")


def _fitted(sock: socket.socket, room: int, code: bytes) -> socket.socket:
    try:
        if code:
            held = ctypes.create_string_buffer(code)
            program = bpf.Program(len(code) // bpf.SIZE, ctypes.addressof(held))
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))
            sock.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)
        try:
            # Beyond the system's limit, with CAP_NET_ADMIN.
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, room)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _hearing(sock: socket.socket) -> socket.socket:
    """Let a packet socket hear all interfaces; Python's bind() would have one of them named."""
    everywhere = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(_EVERYTHING), 0, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(sock.fileno(), everywhere, len(everywhere)) < 0:
        sock.close()
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return sock


def serve(line: socket.socket, parent: int) -> NoReturn:
    """Open what is asked for until the parent is gone; never returns."""
    try:
        privilege.forgo(but=(privilege.NET_RAW, privilege.NET_ADMIN))
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # Ctrl-C goes to all of a terminal's processes; the parent ends in good order, and then this one.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        _only(line)
        while os.getppid() == parent and (asked := line.recv(LONGEST)):
            _answer(line, asked)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _only(line: socket.socket) -> None:
    """Close all that was inherited but the line to the parent and standard error."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (names, not paths)
        if int(name) not in (2, line.fileno()):
            with contextlib.suppress(OSError):
                os.close(int(name))


def _answer(line: socket.socket, asked: bytes) -> None:
    try:
        sock = opened(json.loads(asked))
    except OSError as error:
        line.send(str(error.errno or errno.EINVAL).encode())
    except (ValueError, TypeError, AttributeError):
        line.send(str(errno.EINVAL).encode())
    else:
        with sock:
            socket.send_fds(line, [b"0"], [sock.fileno()])
