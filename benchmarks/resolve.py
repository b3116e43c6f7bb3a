"""resolve: questions a second on one core, each with its own socket and its listening window.

The peer is dnsperf against the same unbound on loopback; its figure is the ceiling of the server, not of a
client that listens on or writes records.
"""

from __future__ import annotations

import contextlib
import gc
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

from benchmarks.beside import beside
from benchmarks.peers import PeerMissing, pinned
from gatewatch.net import lookup
from gatewatch.net.journal import Journal
from gatewatch.runner.session import calm_collector

#: The issue's goal, questions a second.
GOAL = 8000
# The system's resolver and two public ones, as gatewatch_probes.resolve asks them.
RESOLVERS = 3
_CONF = """
server:
  interface: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  directory: "{d}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  num-threads: 1
  so-rcvbuf: 4m
  local-zone: "bench-target.net." redirect
  local-data: "bench-target.net. 60 IN A 93.184.216.34"
remote-control:
  control-enable: no
"""


@contextlib.contextmanager
def unbound() -> Iterator[tuple[int, int]]:
    """Run unbound with one local zone; gives its port and pid."""
    if shutil.which("unbound") is None:
        raise PeerMissing("unbound is not installed (Debian: unbound)")
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
        Path(folder, "conf").write_text(_CONF.format(port=port, d=folder))
        process = subprocess.Popen(["unbound", "-d", "-c", f"{folder}/conf"], stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            if process.poll() is not None:
                raise PeerMissing("unbound did not start")
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def _raise_open_files() -> int:
    """A question keeps its socket for the window: 8,000 a second for half a second are 4,000 sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


async def _ask(port: int, count: int, outstanding: int) -> int:
    """Ask as the probe does: for each name several resolvers at once, in one task."""
    answered = 0
    names = iter(range(count // RESOLVERS))

    async def worker() -> None:
        nonlocal answered
        for number in names:
            journal = Journal()
            name = f"n{number}.bench-target.net"
            questions = [lookup.Question("127.0.0.1", name, port=port)] * RESOLVERS
            with trio.move_on_after(5):
                for got in await lookup.ask(journal, questions):
                    answered += got[0].failure is None

    async with trio.open_nursery() as nursery:
        for _ in range(outstanding // RESOLVERS):
            nursery.start_soon(worker)
    return answered


def dnsperf(port: int) -> float:
    """The server's ceiling, as dnsperf sees it."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.writelines(f"n{i}.bench-target.net A\n" for i in range(1000))
        names.flush()
        command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", names.name, "-l", "3", "-c", "16"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Queries per second:\s+([\d.]+)", text)
    assert found, text
    return float(found[1])


def run(quick: bool) -> dict[str, Any]:
    """Ask in rounds; gives the goal and dnsperf's ceiling."""
    files = _raise_open_files()
    calm_collector()  # as a run does
    # Enough for the window at twice the goal.
    outstanding = min(6000, files - 200)
    rounds, count = (3, 20_000) if quick else (7, 40_000)
    rates = []
    with unbound() as (port, pid), pinned(0, pid):
        ceiling = dnsperf(port) if shutil.which("dnsperf") else None
        with pinned(1):
            trio.run(_ask, port, 500, 100)
            for _ in range(rounds):
                gc.collect()
                start = time.process_time()
                answered = trio.run(_ask, port, count, outstanding)
                assert answered > 0.99 * count, f"only {answered} of {count} answered"
                rates.append(count / (time.process_time() - start))
    rates.sort()
    value = rates[len(rates) // 2]
    goal = {
        "name": f"resolve: questions/s/core with a window of {lookup.LATE_WINDOW} s",
        "value": round(value),
        "goal": f">= {GOAL}",
        "met": value >= GOAL,
        "beside": beside("the server's ceiling by dnsperf, q/s", value, ceiling)
        | {"spread": [rates[0] / ceiling, rates[-1] / ceiling] if ceiling else None},
    }
    return {
        "goals": [goal],
        "peer": {"dnsperf ceiling q/s": ceiling and round(ceiling)},
        "detail": {"min..max": [round(rates[0]), round(rates[-1])], "outstanding": outstanding},
    }
