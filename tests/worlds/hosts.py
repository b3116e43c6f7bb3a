"""A world of a few hosts: their names, as everybody's resolver has them, and their scripted servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import trio
from tests.worlds.authority import trust
from tests.worlds.datagrams import Answers, Datagrams
from tests.worlds.streams import Peer, Server, Streams, streams

from gatewatch.net import dnswire
from gatewatch.net.wire import Wire


class Names(trio.abc.HostnameResolver):
    """The system's resolver."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self._names = names

    async def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> Any:
        await trio.lowlevel.checkpoint()
        found = self._names.get(host.decode(), ())
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise NotImplementedError


@contextmanager
def hosts(
    names: Mapping[str, tuple[str, ...]],
    servers: Mapping[tuple[str, int], Server],
    *,
    public: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[tuple[Wire, Streams]]:
    """Live in such a world; ``public``: what public resolvers say, where it is something else."""
    said = names if public is None else public

    def answer(query: bytes) -> Answers:
        found = said.get(dnswire.question(query)[1], ())
        return [(0.01, dnswire.answer(query, addresses=found, rcode=0 if found else 3), 60)]

    wire = Wire(trust=trust(), own_resolvers=())
    Datagrams({(resolver.ipv4[0], 53): answer for resolver in wire.resolvers})
    before = trio.socket.set_custom_hostname_resolver(Names(names))
    try:
        with streams(servers) as world:
            yield wire, world
    finally:
        trio.socket.set_custom_hostname_resolver(before)


def http(status: str, *headers: str, body: str = "") -> Peer:
    """A server that gives every request the same response."""
    text = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", body])
    return lambda _: (text.encode(),)
