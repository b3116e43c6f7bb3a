"""Fuzz target: the test helper's whole conversation, first byte to answer; only the sockets are not real."""

from __future__ import annotations

import json
from collections.abc import Hashable
from types import SimpleNamespace
from typing import Any, cast

import trio
import trio.testing

from benchmarks.fuzz import mutate, shapes
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.helper.admission import Allowance
from gatewatch.helper.app import App
from gatewatch.helper.connection import Conversation, settings
from gatewatch.helper.guard import Guard
from gatewatch.helper.measure import Measurer, _Task
from gatewatch.helper.way import Way
from gatewatch.net.wire import Limits
from gatewatch.records import control

_WAY = cast("Way", SimpleNamespace(guard=Guard(lambda address: "198.51.100.1"), limits=Limits()))


class _Unplugged(Measurer):
    """Reads a question and chooses what to measure, and measures nothing."""

    async def measure(self, value: Any) -> control.Json:
        """Answer as if nothing could be reached."""
        question = control.question(value)
        url = self._checked(question.url)
        task = _Task(self._way, url, question, (("203.0.113.9",), None))
        tcp = {address: control.connected("connection_refused") for address in task.addresses}
        fetched = control.not_fetched("connection_refused")
        return control.answer(names=((), None), flags=task.flags, asns={}, tcp=tcp, tls={}, http=fetched)


async def _conversation(data: bytes) -> bytes:
    app = App(_Unplugged(_WAY), Allowance(1000, 1000))
    ours, theirs = trio.testing.memory_stream_pair()
    got = bytearray()

    async def read() -> None:
        async for piece in ours:
            got.extend(piece)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(Conversation(app, settings(), theirs, ("192.0.2.7", 4711)).run)
        nursery.start_soon(read)
        try:
            await ours.send_all(data)
            await ours.send_eof()
        except trio.BrokenResourceError:
            pass
    return bytes(got)


def helper_served(data: bytes) -> Hashable:
    """Talk to a helper; it must not say that it made a mistake."""
    got = trio.run(_conversation, data, clock=trio.testing.MockClock(autojump_threshold=0))
    line, _, rest = got.partition(b"\r\n")
    if line[9:12] == b"500":
        raise Differs("the helper made a mistake")
    if got and line[:7] != b"HTTP/1.":
        raise Differs(f"an answer that is none: {line[:40]!r}")
    return line[9:12], rest.count(b"HTTP/1."), len(rest) > 400


def _request(line: bytes, body: bytes = b"", more: bytes = b"") -> bytes:
    head = b"%s\r\nHost: helper.example\r\nUser-Agent: gatewatch\r\n%s" % (line, more)
    return head + (b"Content-Length: %d\r\n\r\n" % len(body) if body else b"\r\n") + body


def _seeds() -> list[bytes]:
    asked = {
        "http_request": "https://www.example.com/",
        "tcp_connect": ["203.0.113.9:443", "[2001:db8::1]:443"],
    }
    body = json.dumps({**asked, "http_request_headers": {"Accept": ["*/*"]}, "x_quic_enabled": True}).encode()
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        len(body),
        body,
    )
    return [
        *(
            _request(b"POST / HTTP/1.1", body),
            chunked,
            _request(b"GET / HTTP/1.1"),
            _request(b"GET /echo HTTP/1.1"),
        ),
        *(
            _request(b"GET /ports HTTP/1.0"),
            _request(b"GET /bytes/1000 HTTP/1.1"),
            _request(b"HEAD / HTTP/1.1"),
        ),
        _request(b"GET / HTTP/1.1") + _request(b"GET /echo HTTP/1.1", more=b"Connection: close\r\n"),
    ]


def _body(data: bytes, rng: Any) -> bytes:
    """Change the JSON behind a head, and its length with it."""
    head, _, body = data.partition(b"\r\n\r\n")
    changed = shapes.tree(body, rng)
    lines = [
        line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-length", b"transfer"))
    ]
    return b"\r\n".join((*lines, b"Content-Length: %d" % len(changed), b"", changed))


_WORDS = (
    *(
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b" ",
        b":",
        b"Expect: 100-continue\r\n",
        b"Upgrade: websocket\r\n",
        b"X-Real-IP: x\r\n",
    ),
    *(
        b"Content-Length: 9999999999\r\n",
        b"Content-Length: \xb2\r\n",
        b"Upgrade: h2c\r\nHTTP2-Settings: AA\r\n",
        b"/bytes/99999999",
    ),
    *(
        b"Connection: Upgrade\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"Sec-WebSocket-Key: x\r\n",
        b"%",
        b"?",
        b"\xff",
        b"\0",
    ),
    *(
        b"X: " + b"y" * 17_000,
        b"X: y\r\n" * 300,
        b"GET http://a.example/ HTTP/1.1\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ),
)
TARGETS = {
    "helper-served": Target(helper_served, _seeds, mutate.joined(_body, mutate.words(_WORDS), mutate.lines))
}
