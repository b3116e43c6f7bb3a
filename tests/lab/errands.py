"""What a client can see of the lab, done with trio's sockets: the same script for the kernel and for memory.

As a program (inside the kernel attachment) it prints one JSON object: what happened, by errand.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from tests.lab.village import client_hello

from gatewatch.net import dnswire

IP_RECVERR, IP_RECVTTL, IP_MINTTL, MSG_ERRQUEUE = 11, 12, 21, 0x2000
RESOLVER, PUBLIC = "103.5.25.53", "8.8.8.8"
#: Longer than any answer of this scenario takes, shorter than any retransmission.
PATIENCE = 0.15

Errand = Callable[[], Awaitable[Any]]
ERRANDS: dict[str, Errand] = {}


def errand(function: Errand) -> Errand:
    ERRANDS[function.__name__] = function
    return function


def hosts(*names: str) -> Callable[[Callable[[str], Awaitable[Any]]], None]:
    """Make an errand of a function for each host."""

    def register(function: Callable[[str], Awaitable[Any]]) -> None:
        for name in names:
            ERRANDS[f"{function.__name__} {name}"] = lambda name=name: function(name)  # type: ignore[misc]

    return register


async def outcome(doing: Awaitable[Any]) -> Any:
    """What an awaited call gave: its value, "timeout", or the name of its errno."""
    with trio.move_on_after(PATIENCE):
        try:
            return await doing
        except socket.gaierror as error:
            return f"gaierror {error.errno}"
        except OSError as error:
            return errno.errorcode[error.errno or 0]
    return "timeout"


async def address(name: str) -> str:
    """The true address, from a resolver that nobody lies for."""
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        await sock.connect((PUBLIC, 53))
        await sock.send(dnswire.query(name, "A", 1))
        found = dnswire.parse(await sock.recv(4096)).addresses
        if name == "injected.com":
            found = dnswire.parse(await sock.recv(4096)).addresses
        return found[0]


async def connected(name: str, port: int) -> tuple[Any, trio.socket.SocketType]:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    return await outcome(sock.connect((await address(name), port))), sock


@hosts("good.com", "refused.com", "vanished.com", "tcp-drop.com", "tcp-reset.com", "sni-drop.com")
async def connect(name: str) -> Any:
    result, sock = await connected(name, 443)
    sock.close()
    return result


@hosts("good.com", "sni-reset.com", "sni-reset-onpath.com", "sni-drop.com", "www.sni-reset.com")
async def hello(name: str) -> Any:
    _, sock = await connected(name, 443)
    with sock:
        await sock.send(client_hello(name))
        first = await outcome(sock.recv(1))
        if isinstance(first, bytes):
            return first.hex()
        # After a reset: the end, and no way to send.
        again = [await outcome(sock.recv(1)), await outcome(sock.send(b"x"))] if first != "timeout" else []
        return [first, *(value.hex() if isinstance(value, bytes) else value for value in again)]


@hosts("good.com", "page.com", "page-onpath.com", "http-reset.com")
async def page(name: str) -> Any:
    _, sock = await connected(name, 80)
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


@hosts("good.com", "bogon.com", "nxdomain.com", "dead.com", "injected.com")
async def lookup(name: str) -> Any:
    found = await outcome(trio.socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM))
    return found if isinstance(found, str) else [list(entry[4]) for entry in found]


@errand
async def lookup_ipv6_only() -> Any:
    return await outcome(trio.socket.getaddrinfo("good.com", 80, family=socket.AF_INET6))


@errand
async def lookup_without_type() -> Any:
    found = await outcome(trio.socket.getaddrinfo("good.com", 443))
    return [[int(entry[1]), entry[2]] for entry in found]


@errand
async def lookup_dropped() -> Any:
    try:
        return await trio.socket.getaddrinfo("dns-drop.com", 80)
    except socket.gaierror as error:
        return f"gaierror {error.errno}"


@errand
async def both_answers_to_an_injected_question() -> Any:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        await sock.connect((PUBLIC, 53))
        await sock.send(dnswire.query("injected.com", "A", 1))
        answers = []
        for _ in range(2):
            data, ancillary, flags, peer = await sock.recvmsg(4096, 64)
            ttl = [[level, kind, struct.unpack("=i", value)[0]] for level, kind, value in ancillary]
            answers.append([ttl, flags, str(peer), len(dnswire.parse(data).addresses)])
        return answers


def queued(message: tuple[bytes, list[tuple[int, int, bytes]], int, Any]) -> Any:
    data, ancillary, flags, peer = message
    read = [[level, kind, bytes(value).hex()] for level, kind, value in ancillary]
    # Eight bytes of a TCP header: of those, source port and sequence number differ from run to run.
    return [len(data), data[2:4].hex(), read, flags, list(peer)]


@errand
async def datagram_to_a_closed_port() -> Any:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        await sock.connect((PUBLIC, 33434))
        await sock.send(b"probe")
        refused = await outcome(sock.recv(100))
        await sock.send(b"probe")
        await trio.sleep(PATIENCE)
        # A pending error is told by whichever call comes next, once.
        return [refused, await outcome(sock.send(b"x")), await outcome(sock.send(b"x"))]


@errand
async def unconnected_datagrams_hear_no_errors() -> Any:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        await sock.sendto(b"probe", (PUBLIC, 33434))
        return await outcome(sock.recvfrom(100))


@errand
async def traced_by_datagrams() -> Any:
    hops = []
    for ttl in range(1, 6):
        sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            await sock.sendto(b"probe", (PUBLIC, 33434))
            hops.append(queued(await sock.recvmsg(512, 512, MSG_ERRQUEUE)))
    return hops


@errand
async def expired_datagram_without_recverr() -> Any:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        await sock.connect((PUBLIC, 33434))
        await sock.send(b"probe")
        return await outcome(sock.recv(100))


@errand
async def expired_datagram_is_a_pending_error_too() -> Any:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        await sock.connect((PUBLIC, 33434))
        await sock.send(b"probe")
        first = await outcome(sock.recv(100))
        return [first, queued(await sock.recvmsg(512, 512, MSG_ERRQUEUE))]


@errand
async def traced_by_syns() -> Any:
    hops = []
    target = await address("good.com")
    for ttl, recverr in ((2, 1), (2, 0), (5, 1)):
        sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with sock:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, recverr)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            result = await outcome(sock.connect((target, 443)))
            message = await outcome(sock.recvmsg(512, 512, MSG_ERRQUEUE))
            hops.append([result, message if isinstance(message, str) else queued(message)])
    return hops


@errand
async def data_that_expire_while_low_ttls_are_screened_out() -> Any:
    _, sock = await connected("good.com", 80)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 4)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        await sock.send(b"GET / HTTP/1.1\r\n")
        return await outcome(sock.recv(100))


@errand
async def data_that_expire_on_an_open_connection() -> Any:
    _, sock = await connected("good.com", 80)
    request = b"GET / HTTP/1.1\r\nHost: good.com\r\n\r\n"
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        await sock.send(request)
        expired = await outcome(sock.recv(100))
        queue = await outcome(sock.recvmsg(512, 512, MSG_ERRQUEUE))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64)
        # The connection lives: the retransmission gets through.
        return [expired, queue, (await sock.recv(15)).decode()]


@errand
async def expired_data_are_a_soft_error_without_recverr() -> Any:
    _, sock = await connected("good.com", 80)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        await sock.send(b"GET / HTTP/1.1\r\n")
        silent = await outcome(sock.recv(1))
        codes = [sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in range(2)]
        return [silent, *(errno.errorcode.get(code, code) for code in codes)]


@errand
async def half_closed() -> Any:
    _, sock = await connected("good.com", 80)
    with sock:
        await sock.send(b"GET / HTTP/1.1\r\nHost: good.com\r\nConnection: close\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        received = b""
        while part := await sock.recv(65536):
            received += part
        return [received[:15].decode(), await outcome(sock.send(b"x"))]


@errand
async def misuse() -> Any:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    unconnected = [await outcome(sock.recv(1)), await outcome(sock.send(b"x"))]
    try:
        sock.getpeername()
    except OSError as error:
        unconnected.append(errno.errorcode[error.errno or 0])
    sock.close()
    closed = await outcome(sock.recv(1))
    six = trio.socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    with six:
        return [*unconnected, closed, await outcome(six.connect(("2606:4700::1111", 443)))]


@errand
async def closing_under_a_reader() -> Any:
    _, sock = await connected("good.com", 80)
    caught = []

    async def reader() -> None:
        try:
            await sock.recv(1)
        except trio.ClosedResourceError:
            caught.append("ClosedResourceError")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await trio.sleep(0.05)
        sock.close()
    return caught


async def run() -> dict[str, Any]:
    """Do every errand, at once; gives plain values, by name."""
    results: dict[str, Any] = {}

    async def one(name: str, function: Errand) -> None:
        results[name] = await function()

    async with trio.open_nursery() as nursery:
        for name, function in ERRANDS.items():
            nursery.start_soon(one, name, function)
    plain: dict[str, Any] = json.loads(json.dumps(results))
    return plain


if __name__ == "__main__":
    # As a program this module has two names: the errands join the one that the others import.
    from tests.lab import errands, errands6  # noqa: F401

    json.dump(trio.run(errands.run), sys.stdout, sort_keys=True, indent=1)
    sys.stdout.flush()
    os._exit(0)  # a look-up that trio abandoned must not hold us
