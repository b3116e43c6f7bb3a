"""Real peers on loopback: nginx with HTTP and TLS, and a place for their files."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOST = "www.bench-target.net"

_CONF = """
worker_processes 1; daemon off; pid {d}/pid; error_log {d}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_temp_path {d}; proxy_temp_path {d}; fastcgi_temp_path {d};
  uwsgi_temp_path {d}; scgi_temp_path {d}; types {{ text/html html; }}
  server {{ listen 127.0.0.1:{http} backlog=8192; root {d}/www; }}
  server {{ listen 127.0.0.1:{https} ssl backlog=8192; root {d}/www; ssl_session_tickets off;
            ssl_certificate {d}/leaf.pem; ssl_certificate_key {d}/leaf.key; }}
}}
"""


class PeerMissing(RuntimeError):
    """A named peer is not installed; the message says which package has it."""


@dataclass(frozen=True)
class Nginx:
    """A running nginx: its two ports, its process, and the CA its certificate comes from."""

    http: int
    https: int
    cafile: str
    pid: int


def free_port() -> int:
    """Give a TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def nginx(body_size: int = 8192) -> Iterator[Nginx]:
    """Run nginx with one page of ``body_size`` bytes over HTTP and over TLS (P-256 leaf)."""
    import trustme

    if shutil.which("nginx") is None:
        raise PeerMissing("nginx is not installed (Debian: nginx-light)")
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        www = Path(folder, "www")
        www.mkdir()
        page = "<!doctype html><title>A page</title><p>" + "What is measured is how fast it is read. " * 1000
        Path(www, "index.html").write_text(page[:body_size], encoding="ascii")
        ca = trustme.CA()
        leaf = ca.issue_cert(HOST)
        leaf.private_key_pem.write_to_path(f"{folder}/leaf.key")
        for pem in leaf.cert_chain_pems:
            pem.write_to_path(f"{folder}/leaf.pem", append=True)
        ca.cert_pem.write_to_path(f"{folder}/ca.pem")
        Path(folder).chmod(0o755)  # nginx's worker gives up root and must still read the page
        ports = free_port(), free_port()
        Path(folder, "conf").write_text(_CONF.format(d=folder, http=ports[0], https=ports[1]))
        process = subprocess.Popen(["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/conf"])
        try:
            _wait_for(ports[1], process)
            yield Nginx(ports[0], ports[1], f"{folder}/ca.pem", process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise PeerMissing("nginx did not start")


@contextlib.contextmanager
def pinned(cpu: int, pid: int = 0) -> Iterator[None]:
    """Keep a process (0: this one) on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(pid)
    os.sched_setaffinity(pid, {cpu} & before or before)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(pid, before)
