"""What holds a run up: the machine is elsewhere or has run out of something, the line is down or full.

Nothing is begun meanwhile, and the observer is told why.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from gatewatch.runner.line import Line
from gatewatch.runner.machine import Machine
from gatewatch.runner.observer import Observer

# When the machine has run out of something, nothing is begun for so many seconds; what is under way ends.
_BREATH = 5.0


class Hold:
    """Where whoever is to begin something waits.

    ``begin_anew`` is called when the machine may have other addresses, before the line is looked at again.
    """

    def __init__(
        self, machine: Machine, line: Line, observer: Observer, begin_anew: Callable[[], None]
    ) -> None:
        self._machine, self._line, self._observer = machine, line, observer
        self._begin_anew = begin_anew
        self._changes = 0
        #: Until when nothing is begun, in trio's time, since the machine had run out of something.
        self.breath = -math.inf
        self._lack = ""

    @property
    def is_called_for(self) -> bool:
        """Whether something happened to the machine that was not waited for yet."""
        return self._machine.changes != self._changes

    async def wait(self) -> bool:
        """Wait while the line is down, or full of what is under way; False: nothing more is to be begun."""
        machine, line, observer = self._machine, self._line, self._observer
        while (seen := machine.changes) != self._changes:
            observer.paused(machine.why)
            if not await machine.is_back():
                return False
            self._begin_anew()
            look = await line.look()
            if not look.up:
                observer.paused(look.reason)
                await line.wait_until_up()
            machine.look()
            # Only now: what was to begin in the meantime has seen that it is held up.
            self._changes = seen
            if machine.changes == seen:
                observer.resumed()
        if self.breath > trio.current_time():
            observer.paused(self._lack)
            await trio.sleep_until(self.breath)
            observer.resumed()
        if line.last is not None and not line.last.up:
            observer.paused(line.last.reason)
            await line.wait_until_up()
            observer.resumed()
        elif line.last is not None and line.last.full:
            observer.paused(line.last.reason)
            await line.wait_until_calm()
            observer.resumed()
        return True

    def breathe(self, why: str) -> bool:
        """Begin nothing for a while, since the machine ran out of something; False: it is so already."""
        now = trio.current_time()
        self._lack = why
        if self.breath > now:
            return False
        self.breath = now + _BREATH
        return True
