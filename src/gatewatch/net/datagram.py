"""UDP questions: each with a socket and a random port of its own, all listened to by one task.

A question goes on listening after its first answer (see :mod:`gatewatch.net.lookup`), so thousands of sockets
are open at once, nearly all of them waiting in vain.  A trio task that waits on each would spend most of its
time being woken; here one task watches all sockets through the system's own poller and wakes an asker once,
when its window has passed.  The sockets and the poller come from a
:class:`gatewatch.net.sockets.Sockets`, which the lab replaces.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import trio

from gatewatch.net.sockets import Datagram, KernelSockets, Sockets

#: What an asker does with (message, ancillary data).  True: an answer.  False: it wants no more.  None: no
#: answer, which begins no window.
Take = Callable[[bytes, list[tuple[int, int, bytes]]], bool | None]

# Larger than any EDNS(0) answer that we ask for (1,232 bytes), and than any plain one.
_MESSAGE_SIZE = 4096
_ANCILLARY_SIZE = 64


class _Wait:
    """One asker that waits for all of its sockets."""

    __slots__ = ("left", "task")

    def __init__(self, left: int) -> None:
        self.left = left
        self.task: trio.lowlevel.Task | None = trio.lowlevel.current_task()


class _Entry:
    """One socket that is listened to."""

    __slots__ = ("deadline", "error", "listening", "sock", "take", "wait", "window")

    def __init__(self, sock: Datagram, take: Take, window: float, wait: _Wait) -> None:
        self.sock = sock
        self.take = take
        self.window = window
        self.wait = wait
        self.listening = True
        self.deadline: float | None = None
        self.error: OSError | None = None


class Pump:
    """The task that listens for all askers of one trio run."""

    def __init__(self, sockets: Sockets) -> None:
        self.sockets = sockets
        self._open = 0
        self._windows: list[tuple[float, int, _Entry]] = []
        self._count = 0
        self._work = trio.lowlevel.ParkingLot()

    async def listen(self, asked: Sequence[tuple[Datagram, Take]], window: float) -> list[OSError | None]:
        """Hand every answer on each socket to its ``take`` until ``window`` seconds after its first.

        Gives each socket's error, or None; waits for the first answers for as long as the caller lets it.
        """
        wait = _Wait(len(asked))
        entries = [_Entry(sock, take, window, wait) for sock, take in asked]
        for entry in entries:
            self.sockets.watch(entry.sock, entry)
        self._open += len(entries)
        self._work.unpark()

        def abort(_: Any) -> trio.lowlevel.Abort:
            wait.task = None
            for entry in entries:
                self._drop(entry)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        return [entry.error for entry in entries]

    def _drop(self, entry: _Entry) -> None:
        if entry.listening:
            entry.listening = False
            self._open -= 1
            self.sockets.forget(entry.sock)

    def _finish(self, entry: _Entry, error: OSError | None) -> None:
        if not entry.listening:
            return
        self._drop(entry)
        entry.error = error
        wait = entry.wait
        wait.left -= 1
        if wait.left == 0 and wait.task is not None:
            trio.lowlevel.reschedule(wait.task)
            wait.task = None

    def _take_one(self, entry: _Entry) -> None:
        """Take one message; the poller tells again if there is another."""
        if not entry.listening:
            return
        try:
            data, ancillary, _, _ = entry.sock.recvmsg(_MESSAGE_SIZE, _ANCILLARY_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._finish(entry, error)
            return
        more = entry.take(data, ancillary)
        if more is None:
            return
        if not more or entry.window <= 0:
            self._finish(entry, None)
        elif entry.deadline is None:
            entry.deadline = trio.current_time() + entry.window
            self._count += 1
            heapq.heappush(self._windows, (entry.deadline, self._count, entry))

    async def run(self) -> None:
        """Listen until the run ends."""
        try:
            while True:
                while not self._open:
                    self._windows.clear()
                    await self._work.park()
                until = self._windows[0][0] if self._windows else float("inf")
                with trio.move_on_at(until):
                    await self.sockets.wait()
                for entry in self.sockets.ready():
                    assert isinstance(entry, _Entry)
                    self._take_one(entry)
                now = trio.current_time()
                while self._windows and self._windows[0][0] <= now:
                    self._finish(heapq.heappop(self._windows)[2], None)
        finally:
            self.sockets.close()


_pump: trio.lowlevel.RunVar[Pump] = trio.lowlevel.RunVar("gatewatch UDP pump")


def use(sockets: Sockets) -> None:
    """Make this trio run take its UDP sockets from ``sockets``; before the first question."""
    pump = Pump(sockets)
    _pump.set(pump)
    trio.lowlevel.spawn_system_task(pump.run)


def pump() -> Pump:
    """Give this trio run's pump; the kernel's sockets unless :func:`use` said otherwise."""
    try:
        return _pump.get()
    except LookupError:
        use(KernelSockets())
        return _pump.get()
