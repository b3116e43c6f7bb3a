"""A client for the lab's servers without sockets: bytes in, bytes out."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import h11

from gatewatch.lab.apps import StreamApp
from gatewatch.lab.world import World

CLIENT = "36.37.200.10"


class Wire:
    """The server's connection, as the engine would give it; keeps what the server did."""

    def __init__(self, address: str, port: int) -> None:
        self.peer = (CLIENT, 40000)
        self.local = (address, port)
        self.sent = bytearray()
        self.closed = False
        self.aborted = False
        self.waiting: list[tuple[float, Callable[[], object]]] = []

    def write(self, data: bytes) -> None:
        assert not self.closed, "written after close"
        self.sent += data

    def feed(self, source: Iterator[bytes]) -> None:
        for piece in source:
            self.write(piece)

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        self.waiting.append((seconds, call))

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def take(self) -> bytes:
        data = bytes(self.sent)
        self.sent.clear()
        return data


def dial(world: World, address: str, port: int) -> tuple[StreamApp, Wire]:
    wire = Wire(address, port)
    app = world.accept(address, port, wire)
    assert app is not None, "refused"
    return app, wire


def trusting(world: World) -> ssl.SSLContext:
    # Not the system's trust store as well: reading it takes longer than a whole test.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=world.ca_pem().decode())
    context.set_alpn_protocols(["http/1.1"])
    return context


class Tls:
    """A verifying TLS client over :func:`dial`."""

    def __init__(self, world: World, address: str, name: str, port: int = 443) -> None:
        self.app, self.wire = dial(world, address, port)
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusting(world).wrap_bio(self._into, self._out, server_hostname=name)
        for _ in range(4):
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.exchange()
        self.exchange()

    def exchange(self) -> None:
        """Carry what each side has written to the other."""
        if self._out.pending:
            self.app.data_received(self._out.read())
        self._into.write(self.wire.take())

    def send(self, data: bytes) -> bytes:
        self.tls.write(data)
        self.exchange()
        out = b""
        while True:
            try:
                piece = self.tls.read(65536)
            except ssl.SSLWantReadError:
                return out
            if not piece:
                return out
            out += piece

    def names(self) -> set[str]:
        certificate = self.tls.getpeercert()
        assert certificate is not None
        alternatives: Any = certificate["subjectAltName"]
        return {str(value) for _, value in alternatives}


def ask(host: str, target: str = "/", *, method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
    """Write a request; header names take `_` for `-`."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read(data: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Read exactly one response: status, headers by lower-case name, body without transfer coding."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    head = client.next_event()
    assert isinstance(head, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage), event
    return head.status_code, {k.decode(): v.decode() for k, v in head.headers}, body


def get(world: World, host: str, target: str = "/", encoding: str = "") -> tuple[int, dict[str, str], bytes]:
    """One GET over plain HTTP at the host's first address."""
    app, wire = dial(world, world.address_of(host)[0], 80)
    app.data_received(ask(host, target, Accept_Encoding=encoding))
    return read(wire.take())
