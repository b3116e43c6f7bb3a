"""Measuring and uploading killed at random moments: what is on the disk arrives, each measurement once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Self

import pytest
from tests.worlds import spool
from tests.worlds.collector import Mode, collector

from gatewatch.upload import config
from gatewatch.upload.config import Protocol
from gatewatch.upload.ledger import measurements_file
from gatewatch.upload.spool import may_go

if sys.platform == "win32":
    pytest.skip("needs SIGKILL", allow_module_level=True)

# Forks a worker for each line of input (a number of measurements to make first), so that fifty of them cost
# no fifty interpreters.
HOST = """
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.worlds import spool
from gatewatch.store import Locked
from gatewatch.upload import config
from gatewatch.upload.collector import Collector
from gatewatch.upload.deliver import Clock, Singly, deliver
import contextlib, random, requests
root, url, protocol = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
there = replace(config.collector(url, protocol), lab=True)
@contextlib.contextmanager
def hasty(destination):
    with Collector(destination, patience=(0.5, 0.5)) as sender:
        yield Singly(destination, sender)
def work(count):
    if count:
        spool.run(root, count, name=os.urandom(4).hex())
    clock = Clock(sleep=lambda seconds: None, chance=random.Random())
    left = deliver(root, [there], within=86400.0, clock=clock, opened=hasty)[0].waiting
    return left.measurements + left.refused
for line in sys.stdin:
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if work(int(line)) == 0 else 2
        except BaseException:
            import traceback; traceback.print_exc()
        finally:
            os._exit(code)
    os.write(1, b"%d\\n" % child)
    # Until it is asked for, the dead child keeps its number, so that none but it can be killed.
    sys.stdin.readline()
    os.write(1, b"%d\\n" % os.waitpid(child, 0)[1])
"""


class Host:
    """Workers that are born and killed on demand."""

    def __init__(self, root: Path, url: str, protocol: Protocol) -> None:
        self._host = subprocess.Popen(
            [sys.executable, "-c", HOST, str(root), url, protocol],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def work(self, count: int, seconds: float | None) -> int:
        """Make ``count`` measurements and deliver; kill it after so many seconds, or never; gives its end."""
        pid = int(self._said(f"{count}"))
        if seconds is not None:
            # Not a wait for anything: a moment of the worker's life picked by chance.
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
        return int(self._said(""))

    def _said(self, text: str) -> str:
        assert self._host.stdin and self._host.stdout
        self._host.stdin.write(f"{text}\n")
        self._host.stdin.flush()
        return self._host.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.communicate()


@pytest.mark.parametrize("protocol", ["submit", "report"])
def test_sigkill_over_spool_and_upload(tmp_path: Path, protocol: Protocol) -> None:
    chance = random.Random(20260301)
    broken: list[Mode] = ["500", "stored then 500", "cut", "cut early", "reset", "portal", "redirect"]
    troubles = kills = 0
    with collector() as there, Host(tmp_path, there.url, protocol) as host:
        host.work(0, None)
        for _ in range(25):
            modes: list[Mode] = [chance.choice(broken) if chance.random() < 0.1 else "up" for _ in range(20)]
            there.modes.clear()
            there.modes.extend(modes)
            kills += host.work(chance.randint(0, 4), chance.uniform(0.0, 0.08)) == signal.SIGKILL
            troubles += sum(mode != "up" for mode in modes)
        there.modes.clear()
        assert host.work(2, None) == 0
        runs = [path for path in tmp_path.iterdir() if measurements_file(path)]
        on_disk = spool.uids(*sorted(runs))
        print(f"{kills} kills, {len(on_disk)} measurements, {len(there.arrived)} arrivals")
        assert kills >= 10 and len(on_disk) >= 20, "the moments picked did not hit the work"
        # Nothing is lost, nothing is new, and whoever knows of uids has each measurement once, ...
        assert set(there.kept) == set(on_disk) and len(on_disk) == len(set(on_disk))
        # ... and whoever does not has one more for a death or a broken answer at most.
        again = Counter(there.times.values())
        assert sum((times - 1) * count for times, count in again.items()) <= kills + troubles
        assert all(may_go(path, [config.collector(there.url, protocol)]) for path in runs)
        before = len(there.arrived)
        assert host.work(0, None) == 0 and len(there.arrived) == before
