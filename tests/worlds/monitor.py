"""A monitor on the loopback that is told of runs, and answers as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Monitor:
    """``told`` are the paths that were fetched; ``status`` is what it answers."""

    url: str = ""
    told: list[str] = field(default_factory=list)
    #: the login that came with each
    logins: list[str | None] = field(default_factory=list)
    status: int = 200


@contextmanager
def monitor(status: int = 200) -> Iterator[Monitor]:
    """Listen until the block ends."""
    here = Monitor(status=status)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
            pass

        def do_GET(self) -> None:
            here.told.append(self.path)
            here.logins.append(self.headers["Authorization"])
            self.send_response(here.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_address[1]}/key"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
