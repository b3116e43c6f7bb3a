"""What a client meets on paths with habits, done with trio's sockets: the same in the kernel and in memory.

As a program (inside the kernel attachment) it does the errands of the ISP named and prints one JSON object.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from tests.lab.errands import IP_RECVERR, IP_RECVTTL, MSG_ERRQUEUE, outcome, queued
from tests.lab.errands6 import IPV6_RECVERR

from gatewatch.net import dnswire

# <linux/in.h>: to fail rather than cut a packet up (IP_PMTUDISC_DO).
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _DO = 10, 23, 2
RESOLVER, PUBLIC, PUBLIC6 = "36.37.242.53", "8.8.8.8", "2001:4860:4860::8888"


async def resolved(name: str, qtype: str = "A") -> str:
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        await sock.connect((PUBLIC, 53))
        await sock.send(dnswire.query(name, qtype, 1))
        return dnswire.parse(await sock.recv(4096)).addresses[0]


async def traced(hops: int, port: int = 33434, data: bytes = b"probe", sport: int = 40000) -> list[Any]:
    """A Paris traceroute over UDP: one socket, one five-tuple."""
    found = []
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        await sock.bind(("0.0.0.0", sport))
        for ttl in range(1, hops + 1):
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            await sock.sendto(data, (PUBLIC, port))
            message = await outcome(sock.recvmsg(2048, 512, MSG_ERRQUEUE))
            found.append(message if isinstance(message, str) else queued(message))
    return found


async def downloaded(qtype: str = "A") -> list[Any]:
    address = await resolved("large.com", qtype)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with trio.socket.socket(family, socket.SOCK_STREAM) as sock:
        await sock.connect((address, 80))
        await sock.send(b"GET / HTTP/1.1\r\nHost: large.com\r\nConnection: close\r\n\r\n")
        size = 0
        with trio.fail_after(30):
            while part := await sock.recv(65536):
                size += len(part)
        return [size > 500_000]


async def uploaded() -> list[Any]:
    body = bytes(60_000)
    head = f"POST / HTTP/1.1\r\nHost: large.com\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        await sock.connect((await resolved("large.com"), 80))
        left = head.encode() + body
        with trio.fail_after(30):
            while left:
                left = left[await sock.send(left) :]
            return [(await sock.recv(15))[:9].decode()]


async def too_big(family: int) -> list[Any]:
    """A datagram larger than the narrow link takes: what is told, and with which MTU."""
    four = family == socket.AF_INET
    with trio.socket.socket(family, socket.SOCK_DGRAM) as sock:
        if four:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _DO)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _DO)
        await sock.connect((PUBLIC if four else PUBLIC6, 33434))
        await sock.send(bytes(1440))
        told = await outcome(sock.recv(100))
        message = await outcome(sock.recvmsg(2048, 512, MSG_ERRQUEUE))
        return [told, message if isinstance(message, str) else queued(message)]


async def narrow() -> dict[str, Any]:
    return {
        "download": await downloaded(),
        "download 6": await downloaded("AAAA"),
        "upload": await uploaded(),
        "too big": await too_big(socket.AF_INET),
        "too big 6": await too_big(socket.AF_INET6),
    }


async def labels() -> dict[str, Any]:
    return {"trace": await traced(7), "long trace": await traced(7, data=bytes(900), sport=40001)}


async def diamonds() -> dict[str, Any]:
    return {str(sport): await traced(6, sport=sport) for sport in range(40000, 40006)}


async def asymmetric() -> dict[str, Any]:
    return {"trace": await traced(7)}


async def limited() -> dict[str, Any]:
    return {"trace": await traced(6)}


async def lossy() -> dict[str, Any]:
    return {"download": await downloaded(), "upload": await uploaded()}


async def slow() -> dict[str, Any]:
    began = trio.current_time()
    size = await downloaded()
    return {"download": size, "in time": 4.0 < trio.current_time() - began < 8.0}


ERRANDS: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    "narrow": narrow,
    "labels": labels,
    "diamonds": diamonds,
    "asymmetric": asymmetric,
    "limited": limited,
    "lossy": lossy,
    "slow": slow,
}


async def run(isp: str) -> dict[str, Any]:
    """Do an ISP's errands; gives plain values, by name."""
    plain: dict[str, Any] = json.loads(json.dumps(await ERRANDS[isp]()))
    return plain


if __name__ == "__main__":
    json.dump(trio.run(run, sys.argv[1]), sys.stdout, sort_keys=True, indent=1)
    sys.stdout.flush()
    os._exit(0)
