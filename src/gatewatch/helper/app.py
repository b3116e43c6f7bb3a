"""The helper as an ASGI application: which request gets what, and a clear word for all that is refused.

``POST /`` measures, ``GET /`` says hello; ``/echo`` tells the request's own head, ``/bytes/N`` gives N random
bytes, ``/ports`` says which other ports answer.  Errors are JSON with one key, ``error``.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

import trio

from gatewatch import __version__
from gatewatch.helper import echo
from gatewatch.helper.admission import AT_ONCE, Allowance, Busy, Doors, InFlight, Pulse, TooOften, Turns
from gatewatch.helper.measure import Measurer, Refused
from gatewatch.records import control
from gatewatch.records.ports import offer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: A question holds a URL and some endpoints: 8 KB and 32 times 50 bytes.  (oohelperd takes 16 MiB.)
BODY_CAP = 65_536
#: Seconds for a request's body to come.
BODY_TIME = 10.0
#: Seconds for a whole measurement; its own limits end it before.
MEASURE_TIME = 45.0
#: Header lines of a request.
MAX_HEADERS = 64
#: Where a connection's handler leaves the raw head of its request, and the way to tell it in a scope.
HEAD = "gatewatch.head"
# What goes to a client in one piece.
_PIECE = 65_536
# Who take random bytes at once, in all and of one client: those cost nothing but the line, for minutes where
# it is slow, so that one who reads slowly could hold them all.
_SENDING, _SENDING_TO_ONE = 50, 10
# Random bytes cost tokens by their size: 1 MiB as much as 16 questions.
_BYTES_A_TOKEN = 65_536
_BYTES = re.compile(r"/bytes/(\d{1,7})")
_SERVER = f"gatewatch/{__version__}".encode()


class Problem(Exception):
    """A request that gets no answer but this: status, text, further headers."""

    def __init__(self, status: int, text: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = tuple(headers)


class Gone(Exception):
    """The client has left; nobody waits for an answer."""


class App:
    """The application.

    ``proxied``: a proxy in front names the client in X-Real-IP; ``at_once``: questions of probes in flight.
    """

    def __init__(
        self,
        measurer: Measurer,
        allowance: Allowance | None = None,
        *,
        proxied: bool = False,
        at_once: int = AT_ONCE,
    ) -> None:
        self._measurer = measurer
        self._allowance = allowance or Allowance(rate=10, burst=100)
        self._proxied = proxied
        #: Ports that only greet, with their transports; whoever opens them says so.
        self.ports: tuple[tuple[int, str], ...] = ()
        self._measuring = InFlight(at_once)
        self._sending = InFlight(_SENDING)
        self._takers = Doors(_SENDING_TO_ONE, _SENDING)
        self._turns = Turns()
        # The same for everybody: it must be incompressible, not secret.
        self._random = os.urandom(echo.MAX_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
            return
        try:
            await self._route(_Request(scope, receive), send)
        except Gone:
            return
        except Problem as problem:
            await _reply(send, problem.status, {"error": problem.text}, problem.headers)
        except Exception:
            # A mistake of ours; what it was could hold a stranger's address, and is nobody's business.
            await _reply(send, 500, {"error": "the helper made a mistake"})

    async def _route(self, request: _Request, send: Send) -> None:
        if len(request.headers) > MAX_HEADERS:
            raise Problem(431, f"more than {MAX_HEADERS} header lines")
        size = _BYTES.fullmatch(request.path)
        if request.path == "/":
            _only(request, "GET", "HEAD", "POST")
            self._spend(request, 1)
            hello = request.method != "POST"
            await _reply(send, 200, control.HELLO if hello else await self._measure(request))
        elif request.path == "/echo":
            _only(request, "GET", "HEAD", "POST")
            self._spend(request, 1)
            await _reply(send, 200, echo.told(request.head, request.port))
        elif request.path == "/ports":
            _only(request, "GET", "HEAD")
            self._spend(request, 1)
            tcp, udp = ([port for port, kind in self.ports if kind == t] for t in ("tcp", "udp"))
            await _reply(send, 200, offer(tcp, udp))
        elif size is not None:
            _only(request, "GET", "HEAD")
            await self._bytes(request, int(size[1]), send)
        else:
            raise Problem(404, "there is no such page")

    def _spend(self, request: _Request, cost: float) -> None:
        try:
            self._allowance.spend(request.client(self._proxied), cost, trio.current_time())
        except TooOften as error:
            wait = str(math.ceil(error.wait)).encode()
            raise Problem(429, str(error), [(b"retry-after", wait)]) from None

    async def _measure(self, request: _Request) -> control.Json:
        """Answer a question; a client that leaves ends the measuring."""
        value = await request.json()
        answer: control.Json | None = None
        problem: Problem | None = None
        gone = False

        async def measure(nursery: trio.Nursery) -> None:
            nonlocal answer, problem
            try:
                turn = await self._turns.take()
            except Busy as error:
                problem = _busy(error)
                nursery.cancel_scope.cancel()
                return
            pulse = Pulse()
            nursery.start_soon(turn.lapse)
            nursery.start_soon(pulse.beat)
            try:
                with trio.move_on_after(MEASURE_TIME):
                    answer = await self._measurer.measure(value)
                if pulse.stopped:
                    problem = _busy(Busy("the helper had no time to listen: try another one"))
            except Refused as error:
                problem = Problem(403, str(error))
            except control.BadQuestion as error:
                problem = Problem(400, str(error))
            finally:
                turn.end()
            nursery.cancel_scope.cancel()

        try:
            with self._measuring.one(request.header(b"user-agent")):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(measure, nursery)
                    await request.disconnected()
                    gone = True
                    nursery.cancel_scope.cancel()
        except Busy as error:
            raise _busy(error) from None
        if problem is not None:
            raise problem
        if gone:
            raise Gone
        if answer is None:
            raise Problem(504, f"the measurement took longer than {MEASURE_TIME:.0f} s")
        return answer

    async def _bytes(self, request: _Request, size: int, send: Send) -> None:
        if size > echo.MAX_BYTES:
            raise Problem(400, f"at most {echo.MAX_BYTES} bytes are given")
        self._spend(request, 1 + size / _BYTES_A_TOKEN)
        try:
            with (
                self._sending.one(request.header(b"user-agent")),
                self._takers.one(request.client(self._proxied)) as may,
            ):
                if not may:
                    raise Problem(429, "too many of these at once", [(b"retry-after", b"5")])
                kind = (b"content-type", b"application/octet-stream")
                await _start(send, 200, size, [kind, (b"cache-control", b"no-store, no-transform")])
                data = memoryview(self._random)[:size]
                for at in range(0, size, _PIECE):
                    piece = bytes(data[at : at + _PIECE])
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body"})
        except Busy as error:
            raise _busy(error) from None


class _Request:
    """What the application wants to know of a request."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: list[tuple[bytes, bytes]] = list(scope["headers"])

    def header(self, name: bytes) -> str:
        """Give a header's value, "" without it."""
        return next((v.decode("latin-1") for k, v in self.headers if k.lower() == name), "")

    def client(self, proxied: bool) -> str:
        """Give the client's address, to be counted and not to be kept."""
        peer = (self._scope.get("client") or ("",))[0]
        return self.header(b"x-real-ip") or peer if proxied else peer

    @property
    def port(self) -> int:
        """The client's port."""
        client = self._scope.get("client")
        return int(client[1]) if client else 0

    @property
    def head(self) -> bytes:
        """The request's head as it came, or as far as the server in front of us has kept it."""
        raw = (self._scope.get("state") or {}).get(HEAD)
        if isinstance(raw, bytes):
            return raw
        query = self._scope.get("query_string", b"")
        target = self._scope.get("raw_path", b"/") + (b"?" + query if query else b"")
        line = b"%s %s HTTP/%s" % (self.method.encode(), target, self._scope["http_version"].encode())
        return b"\r\n".join([line, *(k + b": " + v for k, v in self.headers), b"", b""])

    async def json(self) -> Any:
        """Read the body as JSON; raises :class:`Problem`."""
        length = self.header(b"content-length")
        if length.isdecimal() and (len(length) > 9 or int(length) > BODY_CAP):
            raise Problem(413, f"the body is larger than {BODY_CAP} bytes")
        body = bytearray()
        with trio.move_on_after(BODY_TIME) as scope:
            more = True
            while more:
                message = await self._receive()
                if message["type"] != "http.request":
                    raise Problem(400, "the request ended before its body did")
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > BODY_CAP:
                    raise Problem(413, f"the body is larger than {BODY_CAP} bytes")
        if scope.cancelled_caught:
            raise Problem(408, f"the body took longer than {BODY_TIME:.0f} s")
        try:
            return json.loads(bytes(body))
        except (ValueError, RecursionError):
            raise Problem(400, "the body is no JSON, or nested too deeply") from None

    async def disconnected(self) -> None:
        """Wait until the client is gone."""
        while (await self._receive())["type"] == "http.request":
            pass


def _busy(error: Busy) -> Problem:
    return Problem(503, str(error), [(b"retry-after", b"5")])


def _only(request: _Request, *methods: str) -> None:
    if request.method not in methods:
        allowed = [(b"allow", ", ".join(methods).encode())]
        raise Problem(405, f"this page takes {', '.join(methods)}", allowed)


async def _reply(
    send: Send, status: int, value: Mapping[str, Any], headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    body = json.dumps(value).encode()
    kept = (b"cache-control", b"no-store")
    await _start(send, status, len(body), [(b"content-type", b"application/json"), kept, *headers])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, size: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
    own = [(b"server", _SERVER), (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
