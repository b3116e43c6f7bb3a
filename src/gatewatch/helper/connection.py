"""One client's connection, with a limit on everything that it may make us wait for or hold.

Hypercorn speaks HTTP/1.1 here (its protocol object, which does no I/O) and calls the application; reading,
writing and time are ours.  Its own trio worker waits without end for a client that reads slowly, leaves a
task behind for each that is answered before it has sent its body, and turns to HTTP/2 at a word, where a
hundred requests share a connection.  One connection carries one request: that is what a measurement needs.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import EndBody, Response
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from gatewatch.helper import echo
from gatewatch.helper.app import HEAD, App


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    #: TLS.
    handshake: float = 10.0
    #: From the first byte's wait to the head's end.
    head: float = 10.0
    #: For one piece of at most 64 KiB to be taken by the client: 4 KiB a second at least.
    piece: float = 16.0
    #: The whole connection: /bytes/1048576 at that speed takes 256 s.
    whole: float = 300.0
    #: For a client to read the answer while what it still sends is dropped.
    linger: float = 2.0


# What is dropped at most of a body that nobody wants, so that the client gets to read why.
_LINGER_BYTES = 1 << 20
_READ = 65_536
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_REASON = {
    400: "this is no HTTP/1.1 request, or not a whole one",
    431: "the request's head is too large",
    501: "methods are written in capitals",
}


def settings() -> Config:
    """Give hypercorn's settings: nothing is logged, header names stay as they came, connections end."""
    config = Config()
    config.accesslog = config.errorlog = None
    config.include_server_header = False
    config.h11_max_incomplete_size = echo.HEAD_CAP
    config.h11_pass_raw_headers = True
    config.keep_alive_max_requests = 0
    return config


class _Protocol(H11Protocol):
    """Hypercorn's HTTP/1.1: it stays that, and its errors say what is wrong."""

    answering = False

    async def stream_send(self, event: StreamEvent) -> None:
        """Take what the application sends, and note when its answer begins and ends."""
        self.answering = isinstance(event, Response) or (self.answering and not isinstance(event, EndBody))
        await super().stream_send(event)

    async def _check_protocol(self, event: h11.Request) -> None:
        """Never become HTTP/2."""

    async def _create_stream(self, request: h11.Request) -> None:
        """Never become a WebSocket, and take methods as they are written (RFC 9110, 9.1: case matters).

        To h11 "HEAd" is one whose answer has a body, to hypercorn it is HEAD, and neither ends the answer.
        """
        if request.method != request.method.upper():
            await self._send_error_response(501)
            await self.send(Closed())
            return
        kept = [(name, value) for name, value in request.headers.raw_items() if name.lower() != b"upgrade"]
        plain = h11.Request(
            method=request.method, target=request.target, headers=kept, http_version=request.http_version
        )
        await super()._create_stream(plain)

    async def _send_error_response(self, status_code: int) -> None:
        await self.send(RawData(_refusal(status_code, _REASON.get(status_code, _REASON[400]))))


def _refusal(status: int, reason: str) -> bytes:
    return echo.response({"error": reason}, f"{status} {HTTPStatus(status).phrase}")


class _Tasks:
    """Where hypercorn starts the application: one task, whose ear is shut when it is done."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    async def spawn_app(
        self, app: App, config: Config, scope: dict[str, Any], send: Callable[[Any], Awaitable[None]]
    ) -> Callable[[Any], Awaitable[None]]:
        """Start the application on a request; gives the way to tell it something."""
        to_app, heard = trio.open_memory_channel[Any](config.max_app_queue_size)

        async def run() -> None:
            async with heard:
                await app(scope, heard.receive, send)
            await send(None)

        async def tell(message: Any) -> None:
            # What comes after the answer is dropped.
            with contextlib.suppress(trio.BrokenResourceError):
                await to_app.send(message)

        self._nursery.start_soon(run)
        return tell


class Conversation:
    """One connection from its first byte to its end."""

    def __init__(
        self,
        app: App,
        config: Config,
        stream: trio.abc.Stream,
        peer: tuple[str, int],
        patience: Patience | None = None,
    ) -> None:
        self._app = app
        self._config = config
        self._stream = stream
        self._peer = peer
        self._patience = patience or Patience()
        self._scope = trio.CancelScope()
        self._writing = trio.Lock()
        self._done = False
        self._protocol: _Protocol | None = None

    async def run(self) -> None:
        """Serve the connection and close it."""
        try:
            with trio.move_on_after(self._patience.whole), self._scope:
                await self._serve()
            if self._done:
                await self._linger()
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _serve(self) -> None:
        received = bytearray()
        with trio.move_on_after(self._patience.head) as limit:
            while echo.head_end(received) < 0 and len(received) <= echo.HEAD_CAP:
                data = await self._read()
                if not data:
                    break
                received += data
        if not received:
            return
        end = echo.head_end(received)
        if end < 0 or end > echo.HEAD_CAP:
            await self._refuse(len(received) > echo.HEAD_CAP, limit.cancelled_caught)
            return
        async with trio.open_nursery() as nursery:
            state = ConnectionState(cast(Any, {HEAD: bytes(received[:end])}))
            protocol = self._protocol = _Protocol(
                cast(Any, self._app),
                self._config,
                cast(Any, WorkerContext(None)),
                cast(Any, _Tasks(nursery)),
                state,
                False,
                self._peer,
                None,
                self._send,
            )
            data = bytes(received)
            del received
            while data:
                await protocol.handle(RawData(data))
                data = await self._read()
            # The client has ended its side: in the middle of a request is an error, else it has gone away.
            await protocol.handle(RawData(b""))
            await protocol.handle(Closed())

    async def _refuse(self, too_large: bool, too_slow: bool) -> None:
        if too_large:
            answer = _refusal(431, _REASON[431])
        elif too_slow:
            answer = _refusal(408, f"the request's head took longer than {self._patience.head:.0f} s")
        else:
            answer = _refusal(400, "the request ended before its head did")
        await self._write(answer)
        self._done = True

    async def _send(self, event: Event) -> None:
        """Do what hypercorn wants done: write, or end."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Closed) and not (self._protocol and self._protocol.answering):
            # (Junk behind the request must not cut the answer short.)
            self._done = True
            self._scope.cancel()

    async def _write(self, data: bytes) -> None:
        """Write one piece; a client that does not take it in time is dropped.

        What hypercorn says of junk behind a request waits for the piece of the answer that is on its way.
        """
        try:
            with trio.move_on_after(self._patience.piece) as limit:
                async with self._writing:
                    await self._stream.send_all(data)
        except _GONE:
            self._scope.cancel()
        else:
            if limit.cancelled_caught:
                self._abort()
                self._scope.cancel()

    async def _read(self) -> bytes:
        """Read what is there, b"" when the client is gone."""
        try:
            return bytes(await self._stream.receive_some(_READ))
        except _GONE:
            return b""

    def _abort(self) -> None:
        """See to it that the kernel, too, drops what the client does not take."""
        tcp = getattr(self._stream, "transport_stream", self._stream)
        sock = getattr(tcp, "socket", None)
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)

    async def _linger(self) -> None:
        """End our side, and drop what still comes: a close in its face would cost the client the answer."""
        left = _LINGER_BYTES
        with trio.move_on_after(self._patience.linger):
            with contextlib.suppress(*_GONE):
                tcp = getattr(self._stream, "transport_stream", self._stream)
                if isinstance(tcp, trio.abc.HalfCloseableStream):
                    await tcp.send_eof()
                while left > 0 and (data := await tcp.receive_some(_READ)):
                    left -= len(data)
