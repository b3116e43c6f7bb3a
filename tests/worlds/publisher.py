"""Somebody who publishes data on the loopback, and does with it what servers do."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Publisher:
    """``answers`` is what lies where; each request is noted in ``asked`` as path and Range."""

    base: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    #: the login that came with each
    logins: list[str | None] = field(default_factory=list)


@dataclass
class Answer:
    """What one path answers: ``dies_after`` bytes the connection is cut, the first ``deaths`` times."""

    content: bytes = b""
    status: int = 200
    modified: str = ""
    etag: str = ""
    dies_after: int | None = None
    deaths: int = 1
    length: bool = True
    ranges: bool = True
    more: dict[str, str] = field(default_factory=dict)
    waits: threading.Event | None = None


@contextmanager
def publisher(tls: ssl.SSLContext | None = None) -> Iterator[Publisher]:
    """Serve on the loopback until the block ends; over TLS with a context."""
    told = Publisher()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            told.asked.append((self.path, wanted))
            told.logins.append(self.headers["Authorization"])
            answer = told.answers.get(self.path.partition("?")[0], Answer(status=404, content=b"not here"))
            if answer.etag and self.headers.get("If-None-Match") == answer.etag:
                self.send_response(304)
                self.end_headers()
                return
            content, status, at = answer.content, answer.status, 0
            vouched = self.headers.get("If-Range")
            found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            if found and answer.ranges and vouched in (answer.etag, answer.modified):
                at = int(found[1])
                if at >= len(content):
                    status, content = 416, b""
                else:
                    status, content = 206, content[at:]
            self.send_response(status)
            if status == 206:
                self.send_header(
                    "Content-Range", f"bytes {at}-{len(answer.content) - 1}/{len(answer.content)}"
                )
            if answer.length:
                self.send_header("Content-Length", str(len(content)))
            else:
                self.send_header("Connection", "close")
            for name, value in (
                ("Last-Modified", answer.modified),
                ("ETag", answer.etag),
                *answer.more.items(),
            ):
                if value:
                    self.send_header(name, value)
            self.end_headers()
            if answer.dies_after is not None and answer.deaths > 0:
                answer.deaths -= 1
                self.wfile.write(content[: answer.dies_after])
                self.wfile.flush()
                if answer.waits is not None:
                    answer.waits.wait(20)
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(content)

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                # Cut on purpose, or by the client.
                self.connection.close()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        # The handshake belongs to the thread of the connection: a refused one must not end the server.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    told.base = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def dribbler(head: bytes) -> Iterator[str]:
    """Answer everybody with a head and then a byte every 20 ms, until the block ends; for eight seconds."""
    over = threading.Event()
    door = socket.create_server(("127.0.0.1", 0))
    until = time.monotonic() + 8

    def drip(guest: socket.socket) -> None:
        with guest, suppress(OSError):
            guest.recv(65_536)
            guest.sendall(head)
            while time.monotonic() < until and not over.wait(0.02):
                guest.sendall(b"x")

    def welcome() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(door.accept()[0],), daemon=True).start()

    threading.Thread(target=welcome, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        over.set()
        door.shutdown(socket.SHUT_RDWR)
        door.close()
