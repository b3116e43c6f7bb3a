"""Processes that lack something for real: files, threads, standard files, a terminal, somebody who reads."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.campaign import plan, sites
from tests.worlds.commands import gatewatch

from gatewatch.cli.heard import Perhaps
from gatewatch.cli.lines import Lines
from gatewatch.records import failure as f
from gatewatch.runner import room
from gatewatch.store import read

if sys.platform == "win32":
    pytest.skip("limits of a process are POSIX's", allow_module_level=True)


def python(code: str, **more: Any) -> Any:
    """Run a program of its own, and give the object that it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, **more
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


_NO_FILES = """
import json, os, resource, trio
from gatewatch.net import lookup, stream
from gatewatch.net.journal import Journal

async def main():
    # The names of this machine itself: nothing is asked of the network.
    await lookup.system(Journal(), "localhost")
    journal = Journal()
    lookup.datagram.pump()
    used = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
    held = []
    while True:
        try:
            held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            break
    await lookup.system(journal, "localhost")
    await stream.connect(journal, "127.0.0.1", 9)
    await lookup.udp(journal, "127.0.0.1", "example.org", port=9)
    return [q.failure for q in journal.queries] + [c.status.failure for c in journal.connects]

print(json.dumps(trio.run(main)))
"""


def test_no_more_files_are_said_to_be_that_in_look_ups_questions_and_connections() -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts open files in /proc, as Linux has it")
    assert python(_NO_FILES) == [f.NO_FILES] * 3


_NO_THREADS = """
import json, threading, trio
from gatewatch.net import lookup
from gatewatch.net.journal import Journal

def refuse(*_, **__):
    raise RuntimeError("can't start new thread")

async def main():
    journal = Journal()
    good = threading.Thread.start
    # As pthread_create(3) says EAGAIN.
    threading.Thread.start = refuse
    async with lookup.turn():
        await lookup.system(journal, "localhost")
    threading.Thread.start = good
    left = lookup._limit().total_tokens
    async with lookup.turn():
        found = await lookup.system(journal, "localhost")
    return [journal.queries[0].failure, left, bool(found)]

print(json.dumps(trio.run(main)))
"""


def test_where_no_thread_is_to_be_had_fewer_are_asked_for() -> None:
    if sys.version_info >= (3, 13):
        pytest.skip("trio starts threads by a private name of Python 3.13's")
    assert python(_NO_THREADS) == [f.NO_MEMORY, 1, True]


@pytest.mark.parametrize(("files", "at_once"), [(20, 1), (64, 2), (1024, 62)])
def test_as_many_are_under_way_as_there_are_files_for(files: int, at_once: int) -> None:
    code = "import json; from gatewatch.runner.room import make_room; print(json.dumps(make_room()))"
    assert (
        python(f"import resource as r; r.setrlimit(r.RLIMIT_NOFILE, ({files}, {files})); {code}") == at_once
    )


def test_the_soft_limit_is_raised_as_far_as_the_system_lets_us() -> None:
    code = """
import json, resource as r, threading
r.setrlimit(r.RLIMIT_NOFILE, (64, 512))
from gatewatch.runner.room import make_room
make_room()
print(json.dumps([*r.getrlimit(r.RLIMIT_NOFILE), threading.stack_size()]))
"""
    assert python(code) == [512, 512, room._STACK]


def test_what_somebody_closed_is_not_given_to_the_measurements(tmp_path: Path) -> None:
    code = f"""
import json, os, sys
out = os.dup(1)
for number in range(3):
    os.close(number)
from gatewatch.runner.room import keep_standard_files
keep_standard_files()
found = os.open({str(tmp_path / "x")!r}, os.O_CREAT | os.O_WRONLY)
os.write(out, json.dumps(found).encode() + b"\\n")
"""
    assert python(code) > 3


LAB = ("--lab", "small:clear", "--attach", "memory", "--traces", "0", "--lang", "en")


def run(root: Path, count: int = 4, **more: Any) -> subprocess.CompletedProcess[bytes]:
    (root / "list.txt").write_text("\n".join(sites(count)))
    words = ("run", *LAB, "--targets", str(root / "list.txt"), "--root", str(root / "runs"), "--plain")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(
        [sys.executable, "-m", "gatewatch", *words],
        env=environment | more.pop("env", {}),
        check=False,
        timeout=60,
        **more,
    )


def measured(root: Path) -> int:
    (folder,) = (path for path in (root / "runs").iterdir() if path.is_dir())
    assert json.loads((folder / "run.json").read_text())["state"] == "done"
    return len(list(read(folder)))


@pytest.mark.parametrize("which", ["stdout", "stderr", "both", "closed"])
def test_a_run_that_nobody_hears_is_done_all_the_same(tmp_path: Path, which: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # A pipe without a reader (EPIPE), as `| head` leaves one; or nothing at all.
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if which == "closed":
        streams = {"preexec_fn": lambda: os.closerange(0, 3)}
    else:
        streams |= {name: writer for name in ("stdout", "stderr") if which in (name, "both")}
    try:
        done = run(tmp_path, **streams)
    finally:
        os.close(writer)
    assert (done.returncode, measured(tmp_path)) == (0, 4)
    assert b"Traceback" not in (done.stderr or b"") and b"Exception ignored" not in (done.stderr or b"")


def test_khmer_where_the_system_knows_ascii_only(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        capture_output=True,
        env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "GATEWATCH_LANG": "km"},
    )
    assert (done.returncode, measured(tmp_path)) == (0, 4) and b"Traceback" not in done.stderr
    done.stdout.decode("ascii")


class Gone(Lines):
    """A terminal that goes away after its first line."""

    def _say(self, text: str) -> None:
        if getattr(self, "_count", 0):
            raise OSError(errno.EIO, "Input/output error")
        self._count = 1


def test_an_observer_goes_on_counting_when_its_terminal_is_gone() -> None:
    wanted = plan(sites(3), "web")
    watching = Perhaps(lambda: Gone(wanted))
    watching.started(3, 0)
    for item in wanted.items:
        watching.began(item)
        watching.measured(item, None)
    watching.paused("The line is up.")
    watching.resumed()
    watching.skipped(wanted.items[0], "took longer than 5 s")
    watching.close()
    assert (watching.total, watching.done, dict(watching.labels)) == (3, 3, {"no verdict": 3})


PROBE = '''"""once: does a signal end the run?"""

import os
import signal

import trio

from gatewatch.records import TestKeys


class Once:
    name = test_name = "once"
    version = "1.0.0"
    risk = "low"
    typical_bytes = 1

    async def measure(self, target, wire):
        if "site2" in target.url and not os.path.exists("struck"):
            open("struck", "w").close()
            os.kill(os.getpid(), signal.SIGHUP)
            await trio.sleep(100)
        return TestKeys()
'''


@pytest.mark.parametrize("nohup", [False, True])
def test_a_terminal_that_is_closed_ends_a_run_in_order_unless_somebody_said_nohup(
    tmp_path: Path, nohup: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(PROBE)
    (tmp_path / "list.txt").write_text("\n".join(sites(6)))
    words = ("run", *LAB, "--probe", str(tmp_path / "mine.py"), "--targets", str(tmp_path / "list.txt"))
    if nohup:
        import signal

        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        done = gatewatch(*words, "--root", str(tmp_path / "runs"), "--json")
    finally:
        if nohup:
            signal.signal(signal.SIGHUP, before)
    about = json.loads(done.stdout)
    assert (done.returncode, about["state"]) == ((0, "done") if nohup else (1, "interrupted"))
    again = gatewatch("run", *LAB[:4], "--resume", about["folder"], "--json")
    assert json.loads(again.stdout)["measured"] == 6 and len(list(read(Path(about["folder"])))) == 6
