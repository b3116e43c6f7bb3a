"""A collector on this machine's loopback, in a process of its own: it keeps what comes, and it breaks.

It speaks OONI's call for single measurements (POST /api/v1/submit_measurement), as the collectors do that
volunteers upload to.  Now and then it wants to be left alone, or keeps a measurement and closes the
connection without an answer, so that the same comes again.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("a rehearsal forks, which Windows cannot")

import gzip
import hashlib
import json
import os
import random
import re
import signal
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from gatewatch.store.uid import ANNOTATION

# The share of calls that it does not want now, and of those that are kept and never answered.
_BUSY, _LOST = 0.005, 0.01
# Seconds to be left alone for: longer than a delivery takes, so that the rest goes with the next run.
_ALONE = 7200
_CALL = "/api/v1/submit_measurement"
_RUN = re.compile(r"[\w-]+")
_PART = ".part"


class NoLoopback(RuntimeError):
    """There is no loopback to listen on."""


class Collector:
    """One that runs as long as a ``with`` block, which gets its address.

    What came, as it came and as often, lies in ``folder`` afterwards: a file for each run, named by its
    content (docs/upload.md).  ``seed`` is for when it breaks; ``busy``: the share of calls that it wants
    later; ``lost``: of those that it keeps and leaves unanswered.
    """

    def __init__(self, folder: Path, seed: int, *, busy: float = _BUSY, lost: float = _LOST) -> None:
        self._folder = folder
        self._breaking = seed, busy, lost
        self._pid = 0

    def __enter__(self) -> str:
        """Begin; raises NoLoopback."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            listening = _Server(self._folder, *self._breaking)
        except OSError as error:
            raise NoLoopback(f"a rehearsal needs this machine's loopback: {error}") from None
        with listening as server:
            sys.stdout.flush()
            sys.stderr.flush()
            self._pid = os.fork()
            if self._pid == 0:
                try:
                    signal.signal(signal.SIGTERM, signal.SIG_DFL)
                    # Ctrl-C is for the parent, which ends this one.
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                    server.serve_forever(poll_interval=1.0)
                finally:
                    os._exit(0)
            return f"http://127.0.0.1:{server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)
        for part in self._folder.glob(f"*{_PART}"):
            lines = part.read_bytes()
            name = f"{hashlib.sha256(lines).hexdigest()}.jsonl.gz"
            (self._folder / name).write_bytes(gzip.compress(lines, 6, mtime=0))
            part.unlink()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, seed: int, busy: float, lost: float) -> None:
        super().__init__(("127.0.0.1", 0), _Calls)
        self._folder, self._seed, self._parent = folder, seed, os.getpid()
        self._busy, self._lost = busy, lost
        self._lock = Lock()
        self._times: Counter[str] = Counter()

    def service_actions(self) -> None:
        if os.getppid() != self._parent:
            # Whoever wanted it is gone.
            os._exit(0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of machines that were killed in the middle of a call."""

    def take(self, content: str, record: dict[str, Any]) -> Literal["busy", "lost", "kept"]:
        """Keep a measurement, unless this is a bad moment; gives what becomes of the call."""
        name, (run, _, item) = record["annotations"][ANNOTATION], record["id"].partition("/")
        if not _RUN.fullmatch(run):
            raise ValueError(f"{run!r} is no run")
        with self._lock:
            self._times[name] += 1
            # Runs' names are new each time; what was measured when and where a seed repeats.
            about = f"{record['test_start_time']} {record['probe_asn']} {item} {self._times[name]}"
            drawn = random.Random(f"{self._seed} {about}").random()
            if drawn < self._busy:
                return "busy"
            with (self._folder / f"{run}{_PART}").open("a", encoding="utf-8") as file:
                file.write(f"{content}\n")
        return "lost" if drawn < self._busy + self._lost else "kept"


class _Calls(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave as one piece: otherwise the second waits until the first is acknowledged.
    wbufsize = -1

    def do_POST(self) -> None:
        """Take one measurement."""
        assert isinstance(self.server, _Server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != _CALL:
            self._answer(404, {"detail": "no such call"})
            return
        content = json.loads(body)["content"]
        record = json.loads(content)
        match self.server.take(content, record):
            case "busy":
                self._answer(429, {"detail": "later"}, wait=_ALONE)
            case "lost":
                self.close_connection = True
            case "kept":
                self._answer(200, {"measurement_uid": record["annotations"][ANNOTATION]})

    def _answer(self, status: int, about: dict[str, str], wait: int = 0) -> None:
        body = json.dumps(about).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if wait:
            self.send_header("Retry-After", str(wait))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *about: Any) -> None:  # noqa: A002 (its name there)
        """Say nothing."""
