"""HTTP/1.1 servers in memory, on h11: one handler from request to reply, chunked or not, kept alive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from itertools import chain, repeat

import h11

from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.servers.tls import Authority

# The helper takes the largest request bodies, 16 MiB at OONI's; nothing in the lab asks for a hundredth.
_MAX_BODY = 1 << 20
_CHUNK = 4096
# A TLS record that opens a connection is a handshake record (RFC 8446 5.1); no HTTP method begins so.
_TLS_HANDSHAKE = 0x16


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a handler sees it; header names in lower case, ``host`` without port."""

    method: str
    scheme: str
    host: str
    target: str
    headers: dict[str, str]
    body: bytes
    client: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One response; Date and Content-Length or Transfer-Encoding are added when it is written.

    A body too large to be held is made of ``piece``, repeated ``repeat`` times behind ``body``.  ``delay`` is
    how many seconds the server thinks before it answers.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunked: bool = False
    piece: bytes = b""
    repeat: int = 0
    delay: float = 0.0

    @property
    def length(self) -> int:
        """The whole body's bytes."""
        return len(self.body) + len(self.piece) * self.repeat


def header_fields(reply: Reply) -> list[tuple[str, str]]:
    """Give the header fields of a reply as they are sent, framing included."""
    fields = list(reply.headers)
    if not any(name == "Date" for name, _ in fields):
        fields.insert(0, ("Date", formatdate(usegmt=True)))
    if reply.chunked:
        fields.append(("Transfer-Encoding", "chunked"))
    elif reply.status != 204:  # RFC 9110 8.6: no Content-Length with 204
        fields.append(("Content-Length", str(reply.length)))
    return fields


Handler = Callable[[Request], Reply]


class HttpStream:
    """The server's end of one HTTP/1.1 connection."""

    def __init__(self, connection: Connection, handler: Handler, *, scheme: str) -> None:
        self._connection = connection
        self._handler = handler
        self._scheme = scheme
        self._h11 = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._body = bytearray()

    def data_received(self, data: bytes) -> None:
        """Answer every complete request; a malformed or oversized one gets 400 and the end."""
        try:
            self._h11.receive_data(data)
            self._advance()
        except h11.RemoteProtocolError:
            self._refuse()

    def eof_received(self) -> None:
        """Close: a client that has closed its side waits for nothing more."""
        self._connection.close()

    def _advance(self) -> None:
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Request):
                self._request = event
                self._body.clear()
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                if self._h11.they_are_waiting_for_100_continue:
                    self._connection.write(self._h11.send(go_on) or b"")
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > _MAX_BODY:
                    self._refuse()
                    return
            elif isinstance(event, h11.EndOfMessage):
                self._answer()
                if self._h11.our_state is not h11.IDLE:  # closed, or the reply takes its time
                    return
            else:
                # NEED_DATA, or ConnectionClosed after Connection: close.
                return

    def _answer(self) -> None:
        request = self._request
        assert request is not None
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        address, port = self._connection.local
        reply = self._handler(
            Request(
                method=request.method.decode("ascii"),
                scheme=self._scheme,
                host=headers.get("host", "").rpartition("@")[2].partition(":")[0].lower().rstrip("."),
                target=request.target.decode("latin-1"),
                headers=headers,
                body=bytes(self._body),
                client=self._connection.peer[0],
                address=address,
                port=port,
            )
        )
        head = request.method == b"HEAD"
        if reply.repeat and not head:
            self._connection.feed(self._drawn(reply))
        elif reply.delay:
            self._connection.later(reply.delay, lambda: self._late(reply, head=head))
        else:
            self._connection.write(self._written(reply, head=head))
            self._next()

    def _late(self, reply: Reply, *, head: bool) -> None:
        self._connection.write(self._written(reply, head=head))
        self._next()
        self._advance()

    def _next(self) -> None:
        """Close after the last reply, or make ready for another request."""
        if self._h11.our_state is h11.MUST_CLOSE:
            self._connection.close()
        else:
            self._h11.start_next_cycle()

    def _drawn(self, reply: Reply) -> Iterator[bytes]:
        """The reply's bytes, piece by piece as the client takes them."""
        yield self._h11.send(h11.Response(status_code=reply.status, headers=header_fields(reply))) or b""
        for piece in chain((reply.body,), repeat(reply.piece, reply.repeat)):
            yield self._h11.send(h11.Data(data=piece)) or b""
        yield self._h11.send(h11.EndOfMessage()) or b""
        self._next()

    def _written(self, reply: Reply, *, head: bool) -> bytes:
        """The reply's bytes, in one piece: one write is one flight of segments."""
        out = [self._h11.send(h11.Response(status_code=reply.status, headers=header_fields(reply)))]
        if not head:
            size = _CHUNK if reply.chunked else max(1, len(reply.body))
            out += [
                self._h11.send(h11.Data(data=reply.body[at : at + size]))
                for at in range(0, len(reply.body), size)
            ]
        out.append(self._h11.send(h11.EndOfMessage()))
        return b"".join(part for part in out if part)

    def _refuse(self) -> None:
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._connection.write(self._written(Reply(400, (("Connection", "close"),)), head=False))
        self._connection.close()


class Sniffed:
    """A web port: TLS or plain HTTP, whichever the client begins with."""

    def __init__(self, connection: Connection, authority: Authority, handler: Handler) -> None:
        self._connection = connection
        self._authority = authority
        self._handler = handler
        self._app: StreamApp | None = None

    def data_received(self, data: bytes) -> None:
        """Look at the first byte once, then pass everything on."""
        if self._app is None:
            if data[0] == _TLS_HANDSHAKE:
                self._app = self._authority.serve(
                    self._connection, lambda plain: HttpStream(plain, self._handler, scheme="https")
                )
            else:
                self._app = HttpStream(self._connection, self._handler, scheme="http")
        self._app.data_received(data)

    def eof_received(self) -> None:
        """Close, or let the protocol close."""
        if self._app is None:
            self._connection.close()
        else:
            self._app.eof_received()


class Silent:
    """A port that accepts and never says a word."""

    def data_received(self, data: bytes) -> None:
        """Ignore it."""

    def eof_received(self) -> None:
        """Ignore that too."""
