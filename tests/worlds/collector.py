"""A collector on the loopback: it speaks OONI's two calls, keeps what it gets, and breaks as they break.

``arrived`` is every measurement that came in whole, as often as it came; ``kept`` has each once, by its uid:
what a collector has that knows of it.  ``times`` is what one has that does not.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Mode = Literal[
    "up",
    "slow",  # keeps it, and does not answer in time
    "deaf",  # does not even read
    "500",
    "stored then 500",
    "cut",  # keeps it, and cuts the connection half way through the answer
    "cut early",  # cuts the connection half way through the request
    "reset",  # keeps it, and resets the connection instead of answering
    "429",
    "429 by date",
    "503 without end",
    "portal",  # status 200, and a login page
    "redirect",
    "forbidden",
    "refuse",  # 400: this measurement will never do
    "endless",  # an answer that does not end
    "forgetful",  # 404: it does not know the report any more
]


@dataclass
class Collector:
    """``modes`` says how the next requests are answered, one after another; then all is well."""

    url: str = ""
    modes: deque[Mode] = field(default_factory=deque)
    always: Mode = "up"
    #: uids at which it stumbles each time: status 500
    stumbles: frozenset[str] = frozenset()
    arrived: list[tuple[str, bytes]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    #: what it says of a measurement that it refuses, one after another
    words: deque[str] = field(default_factory=lambda: deque(["malformed \x1b[31m"]))
    #: every request as it came: its line, its headers, its body
    requests: list[bytes] = field(default_factory=list)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None
    tls: ssl.SSLContext | None = None

    @property
    def kept(self) -> dict[str, dict[str, Any]]:
        """Each measurement once; another content under the same uid would be another measurement."""
        kept: dict[str, bytes] = {}
        for uid, content in self.arrived:
            assert kept.setdefault(uid, content) == content, f"{uid} came with two contents"
        return {uid: json.loads(content) for uid, content in kept.items()}

    @property
    def times(self) -> Counter[str]:
        """How often each uid came."""
        return Counter(uid for uid, _ in self.arrived)

    def up(self) -> None:
        """Begin to listen, where it listened before."""
        server = _Server(("127.0.0.1", self.port), _handler(self))
        if self.tls is not None:
            server.socket = self.tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = server.server_address[1]
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"
        self.over.clear()
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def down(self) -> None:
        """Go down: connections are refused."""
        if self._server is None or self._thread is None:
            return
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def collector(tls: ssl.SSLContext | None = None) -> Iterator[Collector]:
    """Run one until the block ends; over TLS with a context."""
    there = Collector(tls=tls)
    there.up()
    try:
        yield there
    finally:
        there.down()


def _handler(there: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
            pass

        def do_GET(self) -> None:
            there.asked.append(f"GET {self.path}")
            there.requests.append(f"{self.requestline}\n{self.headers}\n".encode())
            self._answer(200, {})

        def do_POST(self) -> None:
            with there.lock:
                there.asked.append(self.path)
                mode = there.modes.popleft() if there.modes else there.always
            length = int(self.headers["Content-Length"])
            if mode == "deaf":
                there.over.wait(20)
                self._drop()
                return
            if mode == "cut early":
                self.rfile.read(length // 2)
                self._drop()
                return
            body = self.rfile.read(length)
            with there.lock:
                there.requests.append(f"{self.requestline}\n{self.headers}\n".encode() + body)
            if any(uid.encode() in body for uid in there.stumbles):
                mode = "500"
            match mode:
                case "500" | "forbidden":
                    self._answer(500 if mode == "500" else 403, {"error": "no"})
                case "429":
                    self._answer(429, {"error": "slowly"}, **{"Retry-After": "3600"})
                case "429 by date":
                    self._answer(429, {}, **{"Retry-After": "Wed, 01 Jan 2070 00:00:00 GMT"})
                case "503 without end":
                    self._answer(503, {}, **{"Retry-After": "9" * 5000})
                case "portal":
                    self._raw(200, b"<html>Log in</html>")
                case "redirect":
                    self._answer(307, {}, Location=f"{there.url}/elsewhere")
                case "refuse":
                    there.words.rotate(-1)
                    self._answer(400, {"detail": there.words[-1]})
                case "forgetful":
                    self._answer(404, {})
                case _:
                    self._take(mode, json.loads(body))

        def _take(self, mode: str, about: dict[str, Any]) -> None:
            status, said = self._kept(about)
            raw = json.dumps(said).encode()
            if mode == "slow":
                there.over.wait(20)
                self._drop()
            elif mode == "stored then 500":
                self._answer(500, {"error": "after all"})
            elif mode == "cut":
                self._head(status, len(raw))
                self.wfile.write(raw[: len(raw) // 2])
                self._drop()
            elif mode == "reset":
                # Closing with a linger of nothing sends RST (tcp(7)).
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._drop()
            elif mode == "endless":
                self._head(status, 10**9)
                try:
                    for _ in range(10_000):
                        self.wfile.write(b" " * 8192)
                except OSError:
                    pass
                self._drop()
            else:
                self._raw(status, raw)

        def _kept(self, about: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            if self.path == "/api/v1/submit_measurement":
                assert about["format"] == "json" and isinstance(about["content"], str)
                return 200, {"measurement_uid": self._keep(json.loads(about["content"]))}
            if self.path == "/report":
                report = f"20260301T000000Z_{len(there.reports):x}_KH"
                there.reports[report] = about
                return 200, {"report_id": report, "backend_version": "1", "supported_formats": ["json"]}
            if found := re.fullmatch(r"/report/(\w+)(/close)?", self.path):
                if found[1] not in there.reports:
                    return 404, {}
                if found[2]:
                    there.closed.add(found[1])
                    return 200, {}
                content = about["content"]
                assert content["report_id"] == found[1] and found[1] not in there.closed
                common = there.reports[found[1]]
                assert all(
                    content[key] == common[key] for key in ("test_name", "probe_cc", "test_start_time")
                )
                return 200, {"measurement_uid": self._keep(content)}
            return 404, {}

        def _keep(self, record: dict[str, Any]) -> str:
            uid = record["annotations"]["gatewatch_uid"]
            with there.lock:
                there.arrived.append((uid, json.dumps(record, sort_keys=True).encode()))
                return f"20260301000000.{len(there.arrived):06}_{record['probe_cc']}_{uid[:16]}"

        def _answer(self, status: int, about: dict[str, Any], **headers: str) -> None:
            self._raw(status, json.dumps(about).encode(), **headers)

        def _raw(self, status: int, raw: bytes, **headers: str) -> None:
            self._head(status, len(raw), **headers)
            self.wfile.write(raw)

        def _head(self, status: int, length: int, **headers: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _drop(self) -> None:
            self.close_connection = True
            try:
                self.wfile.flush()
                self.connection.close()
            except OSError:
                pass

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.connection.close()

    return Handler
