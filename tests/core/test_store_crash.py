"""The store against real deaths: SIGKILL at random moments, and disks that are really full."""

from __future__ import annotations

import json
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

from gatewatch.store import Locked, create, held, lock, read

if sys.platform == "win32":
    pytest.skip("needs SIGKILL", allow_module_level=True)

# Forks a writer for each line of input, so that a hundred of them cost no hundred interpreters.  A writer
# tells "id" after append() has returned for it; without items left it only packs and closes.
HOST = """
import os, sys
from pathlib import Path
from gatewatch.store import lock, open_for_resume
def write(path):
    with lock(path.parent):
        folder = open_for_resume(path)
        for item in [item for item in folder.plan["items"] if not folder.has(item["id"])]:
            name, body = item["id"].encode(), b"x" * int(item["size"])
            folder.append(item["id"], b'{"body":"%s","x_gatewatch_item":"%s"}\\n' % (body, name))
            os.write(1, b"id %s\\n" % name)
        os.write(1, b"close\\n")
        folder.close("done")
for path in sys.stdin:
    child = os.fork()
    if not child:
        code = 1
        try:
            write(Path(path.strip()))
            code = 0
        finally:
            os.write(1, b"end\\n")
            os._exit(code)
    os.write(1, b"pid %d\\n" % child)
    # Until it is asked for, the dead child keeps its number, so that none but it can be killed.
    sys.stdin.readline()
    os.write(1, b"exit %d\\n" % os.waitpid(child, 0)[1])
"""


class Host:
    """Writers that are born and killed on demand."""

    def __init__(self) -> None:
        self._host = subprocess.Popen(
            [sys.executable, "-c", HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def write(self, path: Path, kill_at: str, patience: float) -> tuple[list[str], bool]:
        """Start a writer; kill it ``patience`` seconds after it told ``kill_at`` ("" for never).

        Gives the ids it told, and whether it came to its end.
        """
        self._say(str(path))
        told: list[str] = []
        pid = int(self._hear()[1])
        if not kill_at:
            self._say("reap")
        while True:
            word, *rest = self._hear()
            if word == "id":
                told.append(rest[0])
            elif word == "end" and kill_at:
                self._say("reap")
                kill_at = ""
            elif word == "exit":
                return told, rest[0] == "0"
            if kill_at in (word, f"{word} {len(told)}"):
                # Not a wait for anything: a moment of the writer's life picked by chance.
                time.sleep(patience)
                os.kill(pid, signal.SIGKILL)
                self._say("reap")
                kill_at = ""

    def _say(self, text: str) -> None:
        assert self._host.stdin
        self._host.stdin.write(text + "\n")
        self._host.stdin.flush()

    def _hear(self) -> list[str]:
        assert self._host.stdout
        return self._host.stdout.readline().split()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._host.communicate()


def _planned(root: Path, sizes: list[int]) -> Path:
    folder = create(root, {"items": [{"id": f"i{n}", "size": size} for n, size in enumerate(sizes)]}, {})
    os.close(folder._fd)
    return folder.path


def test_sigkill_at_random_moments(tmp_path: Path) -> None:
    """No line that append() returned for is lost or damaged, and none is measured twice."""
    rng = random.Random(20240101)
    sizes = [rng.choice((50, 5_000, 60_000)) for _ in range(600)]
    path = _planned(tmp_path, sizes)
    told: set[str] = set()
    kills, ended = 0, False
    with Host() as host:
        while not ended:
            new, ended = host.write(path, f"id {rng.randint(1, 6)}", rng.uniform(0, 0.002))
            kills += not ended
            assert told.isdisjoint(new)
            told.update(new)
            found = [json.loads(line)["x_gatewatch_item"] for line in read(path)]
            ids = set(found)
            assert len(ids) == len(found)
            assert told <= ids
            # Only the one in flight may be there without having been told.
            assert len(ids - told) <= 1
            told = ids
    print(f"{kills} kills")
    assert kills >= 10, "the moments picked did not hit the writing"
    _check_whole(path, sizes)


def test_sigkill_while_packing(tmp_path: Path) -> None:
    rng = random.Random(20240102)
    path = _planned(tmp_path, [100_000] * 20)
    killed = 0
    with Host() as host:
        host.write(path, "close", 0)
        began = time.monotonic()
        assert host.write(path, "", 0) == ([], True)
        packing = time.monotonic() - began
        for _ in range(25):
            new, ended = host.write(path, "close", rng.uniform(0, packing))
            killed += not ended
            assert new == []
            assert len(list(read(path))) == 20
        print(f"{killed} kills")
        assert killed
        assert host.write(path, "", 0) == ([], True)
    assert sorted(p.name for p in path.iterdir()) == ["measurements.jsonl.gz", "plan.json", "run.json"]
    _check_whole(path, [100_000] * 20)


def _check_whole(path: Path, sizes: list[int]) -> None:
    lines = [json.loads(line) for line in read(path)]
    found = Counter({line["x_gatewatch_item"]: len(line["body"]) for line in lines})
    assert len(lines) == len(sizes)
    assert found == Counter({f"i{n}": size for n, size in enumerate(sizes)})


# Fills the disk in DIR, and says what append() returned for, what the folder holds, and whether it goes on
# once there is room again.
FILLER = """
import json, os, sys
from pathlib import Path
from gatewatch.store import StoreFull, create, read
def line(n): return b'{"body":"' + os.urandom(5000).hex().encode() + b'","x_gatewatch_item":"i%d"}\\n' % n
def fill(root, make_room):
    folder = create(root, {"items": []}, {})
    ballast = root / "ballast"
    ballast.write_bytes(b"b" * 20000)
    told = []
    try:
        for n in range(1000):
            folder.append(f"i{n}", line(n))
            told.append(f"i{n}")
    except StoreFull as error:
        full = str(error)
    held = [json.loads(l)["x_gatewatch_item"] for l in read(folder.path)]
    whole = (folder.path / "measurements.jsonl").read_bytes().endswith(b"}\\n")
    run = json.loads((folder.path / "run.json").read_bytes())["state"]
    make_room(ballast)
    folder.append(f"i{len(told)}", line(len(told)))
    folder.close("interrupted")
    kept = [json.loads(l)["x_gatewatch_item"] for l in read(folder.path)]
    print(json.dumps([told, held, whole, run, full, kept]))
"""
ON_TMPFS = FILLER + "fill(Path(sys.argv[1]), lambda ballast: ballast.unlink())\n"
WITH_LIMIT = FILLER + (
    "import resource\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
    "unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)\n"
    "fill(Path(sys.argv[1]), lambda ballast: resource.setrlimit(resource.RLIMIT_FSIZE, unlimited))\n"
)


def _check(output: str) -> None:
    told, found, whole, run, full, kept = json.loads(output)
    assert len(told) >= 5
    assert found == told
    assert whole
    assert run == "running"
    assert "measurements.jsonl" in full
    assert kept == [*told, f"i{len(told)}"]


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITH_LIMIT, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=True
    )
    _check(done.stdout)


def test_a_full_disk(tmp_path: Path) -> None:
    """A tmpfs of 128 KiB in a mount namespace of our own."""
    mount = 'mount -t tmpfs -o size=128k tmpfs "$1" && exec "$2" -c "$3" "$1"'
    try:
        probe = subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare(1) here")
    if probe.returncode:
        pytest.skip("this system forbids user namespaces")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, ON_TMPFS],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    _check(done.stdout)


HOLDER = """
import sys
from pathlib import Path
from gatewatch.store.locking import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    assert not held(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        assert held(tmp_path)
        with pytest.raises(Locked, match="another run"), lock(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lock(tmp_path):
            assert held(tmp_path)
    assert not held(tmp_path)


def test_a_lock_outlives_a_glance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """held() takes the lock for an instant; a run that starts in it must not be refused."""
    import fcntl

    with lock(tmp_path):
        pass
    glance = os.open(tmp_path / ".lock", os.O_RDWR)
    fcntl.flock(glance, fcntl.LOCK_EX)
    monkeypatch.setattr("gatewatch.store.locking.time.sleep", lambda seconds: os.close(glance))
    with lock(tmp_path):
        assert held(tmp_path)
