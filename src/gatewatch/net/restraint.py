"""How often a run may send what is forbidden, and how it is stopped: budgets, a pace, a kill switch.

Locating repeats the forbidden name on purpose, so what limits it is not left to each probe: a dozen triggers
for a target, three targets a run, a new connection a second.  The pace is that of the Henan study, which kept
to a connection a second for the sake of its volunteers (Wu et al., IEEE S&P 2025).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

#: Triggers for one target, targets a run, seconds between two new connections.
TRIGGERS, TARGETS, BETWEEN = 12, 3, 1.0
#: What no option exceeds: the worst of the located worlds of the benchmark needed 20 triggers.
MOST_TRIGGERS, MOST_TARGETS = 20, 10


class Stopped(RuntimeError):
    """Somebody has stopped all triggers, by the file of that name."""


class Exhausted(RuntimeError):
    """The run has located as many targets, or sent as many triggers for one, as it may."""


@dataclass(slots=True)
class Restraint:
    """The budgets of one run, shared by every probe of it that repeats a forbidden name."""

    triggers: int = TRIGGERS
    targets: int = TARGETS
    between: float = BETWEEN
    #: While this file exists, nothing forbidden is sent.
    stop: Path | None = None
    #: Triggers sent so far, by host.
    _sent: dict[str, int] = field(default_factory=dict)
    _next: float = float("-inf")

    def __post_init__(self) -> None:
        if not 1 <= self.triggers <= MOST_TRIGGERS or not 1 <= self.targets <= MOST_TARGETS:
            raise ValueError(f"at most {MOST_TRIGGERS} triggers a target and {MOST_TARGETS} targets a run")

    @property
    def stopped(self) -> bool:
        """Whether the kill switch is on; asked before every trigger.  One that cannot be seen is on."""
        try:
            return self.stop is not None and self.stop.exists()
        except OSError:
            return True

    def begin(self, host: str) -> None:
        """Count a target; raises Stopped or Exhausted, and then nothing may be sent for it."""
        if self.stopped:
            raise Stopped(f"stopped: {self.stop} exists, or its folder is closed")
        if host not in self._sent and len(self._sent) >= self.targets:
            raise Exhausted(f"a run may locate {self.targets} targets and no more (--most-targets)")
        self._sent.setdefault(host, 0)
        if not self.left(host):
            raise Exhausted(f"all {self.triggers} triggers for this target are sent (--most-triggers)")

    def left(self, host: str) -> int:
        """How many triggers a target has left, however often it is measured: a run may repeat one."""
        return self.triggers - self._sent.get(host, 0)

    def sent(self, host: str, triggers: int) -> None:
        """Count triggers that were sent for a target."""
        self._sent[host] = self._sent.get(host, 0) + triggers

    async def pace(self) -> None:
        """Wait until the next connection may be opened; the whole run has one pace."""
        # Here, because the command line asks for the figures above before anything is loaded that measures.
        import trio

        start = max(self._next, trio.current_time())
        self._next = start + self.between
        await trio.sleep_until(start)
