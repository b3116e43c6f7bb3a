"""Processes that die on demand: forked from one that has imported everything, so that a thousand are cheap.

    python -m tests.worlds.mortal

reads one order a line (JSON, :class:`Order`), forks, calls ``module:function`` with the arguments, and prints
how it ended (:class:`End`).  It has one thread and makes no other, so that forking is safe.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, cast

from tests.worlds import disk, powercut
from tests.worlds.disk import Fate, Step


@dataclass(slots=True)
class Order:
    """What to call, and how it ends.

    ``at`` is the number of the step at which it dies, ``how`` where in the step; ``after`` the seconds after
    which it is killed from outside.  With ``side``, a power cut can be made of it (tests.worlds.powercut).
    """

    call: str
    args: list[Any]
    below: str
    at: int = 0
    how: str = "die before"
    after: float | None = None
    side: str = ""
    #: where what it prints goes
    says: str = ""


@dataclass(slots=True)
class End:
    """How it ended: code of waitpid, steps taken, the last step, seconds, and what it said when it failed."""

    code: int
    steps: int = 0
    #: the first and the last of them; of a full disk, of those that failed
    first: str = ""
    last: str = ""
    seconds: float = 0.0
    said: str = ""

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return os.WIFSIGNALED(self.code) and os.WTERMSIG(self.code) == signal.SIGKILL


class Mortals:
    """Calls that die on demand; use it in a ``with`` block."""

    def __enter__(self) -> Self:
        self._host = subprocess.Popen(
            [sys.executable, "-m", "tests.worlds.mortal"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._host.communicate()

    def live(self, order: Order) -> End:
        """Carry out an order."""
        assert self._host.stdin and self._host.stdout
        self._host.stdin.write(json.dumps(asdict(order)) + "\n")
        self._host.stdin.flush()
        return End(**json.loads(self._host.stdout.readline()))


def _serve() -> None:
    learned: set[str] = set()
    for text in sys.stdin:
        order = Order(**json.loads(text))
        module, _, name = order.call.partition(":")
        # Imported here once, and not in every child.
        function = getattr(importlib.import_module(module), name)
        end, modules = _carry_out(order, function, learn=order.call not in learned)
        if end.code == 0:
            learned.add(order.call)
            _learn(modules)
        print(json.dumps(asdict(end)), flush=True)


def _learn(modules: list[str]) -> None:
    """Import what a call has imported, so that the next need not."""
    for name in modules:
        if name not in sys.modules:
            # Some can only be had by way of another; then that is imported again in each child.
            with suppress(Exception):
                importlib.import_module(name)


def _carry_out(order: Order, function: Any, *, learn: bool) -> tuple[End, list[str]]:
    ours, theirs = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if not child:
        os.close(ours)
        _live(order, function, theirs, learn)
    os.close(theirs)
    # By its own pid, and only while it cannot have been reaped.
    if order.after is not None:
        told = _read(ours, began + order.after)
        os.kill(child, signal.SIGKILL)
    else:
        told = ""
    told += _read(ours, None)
    os.close(ours)
    code = os.waitpid(child, 0)[1]
    end = End(code, seconds=time.monotonic() - began)
    lines = told.splitlines()
    end.said = "\n".join(line[1:] for line in lines if line.startswith("!"))
    taken = [line for line in lines if line[:1] not in "!@"]
    end.steps = len(taken)
    end.first = taken[0] if taken else ""
    end.last = taken[-1] if taken else "before the first step"
    return end, [line[1:] for line in lines if line.startswith("@")]


def _read(fd: int, until: float | None) -> str:
    """Read what comes, to its end or until a time."""
    out = b""
    while True:
        left = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([fd], [], [], left)[0]:
            return out.decode()
        data = os.read(fd, 65_536)
        if not data:
            return out.decode()
        out += data


def _live(order: Order, function: Any, told: int, learn: bool) -> None:
    code = 1
    nowhere = os.open(os.devnull, os.O_RDWR)
    says = os.open(order.says, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if order.says else nowhere
    for fd, to in ((0, nowhere), (1, says), (2, says)):
        os.dup2(to, fd)
    write = os.write
    below = Path(order.below)

    full = disk.Full(order.at, half=order.how == "no room after half")

    def decide(number: int, step: Step) -> Fate:
        if order.how in ("full", "no room after half"):
            fate = full(number, step)
            if fate != "done":
                write(told, f"{kind(step)}\n".encode())
            return fate
        # Before it is taken, so that the last one told is the one that it died at.
        write(told, f"{kind(step)}\n".encode())
        return cast(Fate, order.how) if number == order.at else "done"

    try:
        recorder = powercut.Recorder(below, Path(order.side)) if order.side else None
        with disk.steps(below, decide, recorder.hear if recorder else lambda _step: None):
            function(*order.args)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:
        write(told, "".join(f"!{line}\n" for line in traceback.format_exc().splitlines()[-12:]).encode())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        if learn:
            write(told, "".join(f"@{name}\n" for name in list(sys.modules)).encode())
        os._exit(code)


def kind(step: Step) -> str:
    """Say what a step does to what, without what is different each time."""
    name = Path(step.other or step.path).name
    if name.endswith(".part"):
        name = ".".join(part for part in name.split(".")[:-2] if part) + " (unfinished)"
    elif step.folder:
        name = "folder"
    else:
        known = (
            "json",
            "jsonl",
            "gz",
            "log",
            "csv",
            "txt",
            "service",
            "timer",
            "parquet",
            "partial",
            "about",
        )
        if name.rpartition(".")[2] == "parquet":
            name = "*.parquet"
        elif name.startswith(("upload-", "ip-to-as.")):
            name = f"{name.split('.')[0].split('-')[0]}*.{name.rpartition('.')[2]}"
        elif name.rpartition(".")[2] in known and len(name) > 40:
            name = f"*.{name.rpartition('.')[2]}"
    return f"{step.what} {name}"


if __name__ == "__main__":
    _serve()
