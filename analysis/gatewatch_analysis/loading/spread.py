"""Work over all cores: pieces go to processes, results come back in order, and a process that dies is told.

The processes are our own rather than :mod:`multiprocessing`'s: nothing is forked under running threads, and
the caller's script is not imported again, so that a notebook or a bare script may ask for all cores.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any, TypeVar

P = TypeVar("P")
R = TypeVar("R")

# Pieces given out before their turn: enough to keep every process busy, few enough for results to be held.
_AHEAD = 2
_LENGTH = struct.Struct("<Q")
# Where this package lies is told first, as the caller's path may not be the interpreter's own.
_SERVE = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); import {0}; {0}.serve()"


#: Something that spreads as :func:`spread` does, over other machines.
Elsewhere = Callable[[Callable[[Any], Any], Iterable[Any]], "Iterator[tuple[Any, Any]]"]
_elsewhere: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)


class WorkerDied(Exception):
    """A process ended while it worked on a piece, and so did the one that tried it again."""


def cores() -> int:
    """Count the cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def elsewhere(over: Elsewhere) -> Iterator[None]:
    """Have whatever is spread here spread over others instead, until the end of the block."""
    token = _elsewhere.set(over)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def spread(work: Callable[[P], R], pieces: Iterable[P], processes: int) -> Iterator[tuple[P, R | WorkerDied]]:
    """Give each piece with what ``work`` made of it, in order; with one process, here.

    ``work`` is a function of a module that can be imported (no lambda, nothing in ``__main__``); pieces and
    results must be picklable.  What ``work`` raises is raised here.  A piece whose process dies is tried once
    more; when that one dies too it comes with :class:`WorkerDied` in place of a result, and the rest go on.
    """
    if (over := _elsewhere.get()) is not None:
        yield from over(work, pieces)
        return
    if processes < 2:
        for piece in pieces:
            yield piece, work(piece)
        return
    workers = _Workers()
    under_way: deque[tuple[P, Future[R]]] = deque()
    threads = ThreadPoolExecutor(processes)
    try:
        for piece in pieces:
            under_way.append((piece, threads.submit(workers.do, work, piece)))
            if len(under_way) >= processes * _AHEAD:
                piece, future = under_way.popleft()
                yield piece, _result(future)
        while under_way:
            piece, future = under_way.popleft()
            yield piece, _result(future)
    finally:
        workers.stop()
        threads.shutdown(cancel_futures=True)


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except WorkerDied as died:
        return died


class _Workers:
    """A process for each thread."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def do(self, work: Callable[[P], R], piece: P) -> R:
        task = pickle.dumps((work, piece))
        for last in (False, True):
            process = self._process()
            try:
                done, result = _ask(process, task)
            except (OSError, EOFError) as error:
                code = process.wait()
                self._own.process = None
                if last or self._stopped:
                    raise WorkerDied(f"the process that read it ended ({_word(code)})") from error
                continue
            if not done:
                raise result
            value: R = result
            return value
        raise AssertionError("the second try returns or raises")

    def _process(self) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] | None = getattr(self._own, "process", None)
        if process is None:
            process = subprocess.Popen(
                # -P: whoever looks at a folder of a stranger's imports nothing from there.
                [sys.executable, "-P", "-c", _SERVE.format(__name__)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            self._own.process = process
            self._all.append(process)
            assert process.stdin is not None
            with contextlib.suppress(OSError):  # asking will tell
                pickle.dump(sys.path, process.stdin)
                process.stdin.flush()
        return process

    def stop(self) -> None:
        self._stopped = True
        for process in self._all:
            with process:  # closes the pipes and waits
                process.kill()


def _ask(process: subprocess.Popen[bytes], task: bytes) -> tuple[bool, Any]:
    assert process.stdin is not None and process.stdout is not None
    _write(process.stdin, task)
    answer: tuple[bool, Any] = pickle.loads(_read(process.stdout))
    return answer


def _word(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with code {code}"


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def serve() -> None:
    """Work in a process of its own: tasks come on standard input, results leave on standard output."""
    # Ctrl-C reaches the whole group: the process that asked decides, and closing its end ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What work prints must not come between the answers.
    os.dup2(2, 1)
    with contextlib.suppress(EOFError):
        while True:
            work, piece = pickle.loads(_read(sys.stdin.buffer))
            try:
                answer = pickle.dumps((True, work(piece)), protocol=5)
            except Exception as error:
                answer = pickle.dumps((False, error))
            _write(answers, answer)
