"""IPv6 errands, for the same script in the kernel and in memory; joined to :data:`errands.ERRANDS`."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import trio
from tests.lab.errands import MSG_ERRQUEUE, PATIENCE, errand, hosts, outcome, queued
from tests.lab.village import client_hello

from gatewatch.net import dnswire

# <linux/in6.h>
IPV6_UNICAST_HOPS, IPV6_RECVERR, IPV6_RECVHOPLIMIT, IPV6_MINHOPCOUNT = 16, 25, 51, 73
PUBLIC6 = "2001:4860:4860::8888"
# A neighbour of nobody: packets to it expire on the way, and a server refuses every port.
NOBODY6 = "2606:4700:3000::dead"


def stream() -> trio.socket.SocketType:
    return trio.socket.socket(socket.AF_INET6, socket.SOCK_STREAM)


def datagram(*options: tuple[int, int]) -> trio.socket.SocketType:
    sock = trio.socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for option, value in options:
        sock.setsockopt(socket.IPPROTO_IPV6, option, value)
    return sock


async def address6(name: str) -> str:
    with datagram() as sock:
        await sock.connect((PUBLIC6, 53))
        await sock.send(dnswire.query(name, "AAAA", 1))
        return dnswire.parse(await sock.recv(4096)).addresses[0]


async def connected6(name: str, port: int) -> tuple[Any, trio.socket.SocketType]:
    sock = stream()
    return await outcome(sock.connect((await address6(name), port))), sock


@hosts("v6.good.com", "v6.refused.com", "vanished6.com", "v6.tcp-drop.com", "v6.tcp-reset.com")
async def connect6(name: str) -> Any:
    result, sock = await connected6(name, 443)
    with sock:
        names = []
        if result is None:
            local, remote = sock.getsockname(), sock.getpeername()
            names = [local[0], *local[2:], remote[0] == await address6(name), *remote[1:]]
        return [result, *names]


@hosts("v6.good.com", "v6.sni-reset.com")
async def hello6(name: str) -> Any:
    _, sock = await connected6(name, 443)
    with sock:
        await sock.send(client_hello(name))
        first = await outcome(sock.recv(1))
        return first.hex() if isinstance(first, bytes) else first


@hosts("v6.good.com", "v6.page.com", "only6.com")
async def page6(name: str) -> Any:
    _, sock = await connected6(name, 80)
    with sock:
        await sock.send(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while True:
            part = await outcome(sock.recv(65536))
            if not isinstance(part, bytes):
                return part
            if not part:
                return [data[:15].decode(), "No entry" in data.decode("latin-1"), "EOF"]
            data += part


@hosts("v6.good.com", "only6.com", "good.com", "v6.refused.com")
async def lookup6(name: str) -> Any:
    found = await outcome(trio.socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM))
    return found if isinstance(found, str) else [[int(e[0]), int(e[1]), e[2], *e[4]] for e in found]


@hosts("v6.good.com", "only6.com")
async def lookup6_of_one_family(name: str) -> Any:
    found = []
    for family in (socket.AF_INET, socket.AF_INET6):
        got = await outcome(trio.socket.getaddrinfo(name, 80, family=family, type=socket.SOCK_STREAM))
        found.append(got if isinstance(got, str) else [list(e[4]) for e in got])
    return found


@errand
async def answers6_with_their_hop_limit() -> Any:
    with datagram((IPV6_RECVHOPLIMIT, 1)) as sock:
        await sock.connect((PUBLIC6, 53))
        await sock.send(dnswire.query("v6.good.com", "AAAA", 1))
        data, ancillary, flags, peer = await sock.recvmsg(4096, 64)
        told = [[level, kind, struct.unpack("=i", value)[0]] for level, kind, value in ancillary]
        return [told, flags, str(peer), len(dnswire.parse(data).addresses)]


@errand
async def traced6_by_datagrams() -> Any:
    hops = []
    for ttl in range(1, 6):
        options = (IPV6_RECVERR, 1), (IPV6_RECVHOPLIMIT, 1), (IPV6_UNICAST_HOPS, ttl)
        with datagram(*options) as sock:
            await sock.sendto(b"probe", (PUBLIC6, 33434))
            message = await outcome(sock.recvmsg(512, 512, MSG_ERRQUEUE))
            hops.append(message if isinstance(message, str) else [message[0].decode(), *queued(message)])
    return hops


@errand
async def datagram6_to_a_closed_port() -> Any:
    with datagram() as sock:
        await sock.connect((PUBLIC6, 33434))
        await sock.send(b"probe")
        refused = await outcome(sock.recv(100))
        await sock.send(b"probe")
        await trio.sleep(PATIENCE)
        return [refused, await outcome(sock.send(b"x")), await outcome(sock.send(b"x"))]


@errand
async def unconnected_datagrams6_hear_no_errors() -> Any:
    with datagram() as sock:
        await sock.sendto(b"probe", (PUBLIC6, 33434))
        return await outcome(sock.recvfrom(100))


@errand
async def expired_datagram6_without_recverr() -> Any:
    with datagram((IPV6_UNICAST_HOPS, 2)) as sock:
        await sock.connect((PUBLIC6, 33434))
        await sock.send(b"probe")
        return await outcome(sock.recv(100))


@errand
async def traced6_by_syns() -> Any:
    hops = []
    target = await address6("v6.good.com")
    for ttl, recverr in ((2, 1), (2, 0), (5, 1)):
        with stream() as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, recverr)
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl)
            result = await outcome(sock.connect((target, 443)))
            message = await outcome(sock.recvmsg(512, 512, MSG_ERRQUEUE))
            # How many bytes of the SYN are quoted is a matter of its options.
            hops.append([result, message if isinstance(message, str) else queued(message)[1:]])
    return hops


@errand
async def data6_that_expire_while_low_hop_limits_are_screened_out() -> Any:
    _, sock = await connected6("v6.good.com", 80)
    with sock:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, 4)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 2)
        await sock.send(b"GET / HTTP/1.1\r\n")
        return await outcome(sock.recv(100))


@errand
async def data6_that_expire_on_an_open_connection() -> Any:
    _, sock = await connected6("v6.good.com", 80)
    with sock:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 2)
        await sock.send(b"GET / HTTP/1.1\r\nHost: v6.good.com\r\n\r\n")
        expired = await outcome(sock.recv(100))
        queue = await outcome(sock.recvmsg(512, 512, MSG_ERRQUEUE))
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64)
        return [expired, queue, (await sock.recv(15)).decode()]


@errand
async def expired_data6_are_a_soft_error_without_recverr() -> Any:
    _, sock = await connected6("v6.good.com", 80)
    with sock:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 2)
        await sock.send(b"GET / HTTP/1.1\r\n")
        silent = await outcome(sock.recv(1))
        codes = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in range(2)]
        return [silent, *(errno.errorcode.get(code, code) for code in codes)]


@errand
async def hops6_by_default() -> Any:
    with stream() as sock:
        before = sock.getsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3)
        chosen = sock.getsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1)
        return [before, chosen, sock.getsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS)]


@errand
async def bound6() -> Any:
    with datagram() as sock:
        await sock.bind(("::", 5353))
        local = sock.getsockname()
        await sock.sendto(dnswire.query("v6.good.com", "A", 1), (PUBLIC6, 53))
        data, peer = await sock.recvfrom(4096)
        return [list(local), list(peer), len(dnswire.parse(data).addresses)]


@errand
async def a_datagram6_larger_than_the_mtu() -> Any:
    # IPV6_DONTFRAG (62), IPV6_MTU_DISCOVER (23) to IPV6_PMTUDISC_DO (2): as QUIC does.
    with datagram((62, 1), (23, 2)) as sock:
        await sock.connect((PUBLIC6, 33434))
        return [await outcome(sock.send(bytes(1452))), await outcome(sock.send(bytes(1453)))]
