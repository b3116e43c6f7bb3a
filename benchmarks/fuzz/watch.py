"""What is watched while inputs are tried: exceptions, processor time, memory, and outcomes that are new."""

from __future__ import annotations

import hashlib
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

#: Seconds of processor time that one input may take: on a loaded machine the clock on the wall says nothing.
SLOW = 1.0
# After so many more an input is broken off.
_ENDLESS = 3
#: Memory counts from here on: tables are loaded and caches have filled by then.
WARM = 0.3
#: Outcomes that are told apart; beyond, something of the input itself is in them.
_MOST_OUTCOMES = 20_000
_MOST_KEPT = 25

Check = Callable[[bytes], Hashable]


class Endless(BaseException):
    """An input ran for too long; no parser's ``except Exception`` may catch this."""


class Differs(AssertionError):
    """Two ways of reading one input do not agree."""


@dataclass(slots=True)
class Watch:
    """Tries inputs and remembers what came of them."""

    check: Check
    planned: int
    folder: Path | None = None
    #: When to end, by time.monotonic(), however many were planned.
    until: float = float("inf")
    tried: int = 0
    ticks: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    crashes: dict[str, dict[str, Any]] = field(default_factory=dict)
    hangs: int = 0
    outcomes: set[Hashable] = field(default_factory=set)
    warm_mb: float = 0.0
    peak_mb: float = 0.0

    def one(self, data: bytes) -> bool:
        """Try an input; True when its outcome is a new one."""
        self.tried += 1
        self.ticks = 0
        began = time.process_time()
        try:
            outcome = self.check(data)
        except Endless:
            outcome = "endless"
        except Exception as error:  # whatever the parser did not declare
            outcome = self._crashed(data, error)
        spent = time.process_time() - began
        self.seconds += spent
        if spent > self.slowest:
            self.slowest = spent
        if spent > SLOW:
            self.hangs += 1
            self._keep(f"hang-{spent:.1f}s", data, f"took {spent:.1f} s of processor time")
        if self.tried & 0xFF == 0 or self.tried == 1:
            self._memory()
        if outcome in self.outcomes or len(self.outcomes) >= _MOST_OUTCOMES:
            return False
        self.outcomes.add(outcome)
        return True

    @property
    def over(self) -> bool:
        """Whether enough was tried."""
        return self.tried >= self.planned or (self.tried & 0xF == 0 and time.monotonic() > self.until)

    def _memory(self) -> None:
        now = resident()
        if self.tried < WARM * self.planned or self.tried == 1:
            self.warm_mb = max(self.warm_mb, now)
        self.peak_mb = max(self.peak_mb, now)

    def _crashed(self, data: bytes, error: Exception) -> str:
        # Where it was raised by us or because of us: libraries' lines say little.
        frames = traceback.extract_tb(error.__traceback__)[1:]
        ours = [f for f in frames if "gatewatch" in f.filename or "benchmarks" in f.filename] or [*frames]
        place, last = (f"{Path(f.filename).name}:{f.lineno}" for f in (ours[-1], frames[-1]))
        name = f"{type(error).__name__} at {place}" + (f" ({last})" if last != place else "")
        about = self._keep(name, data, f"{type(error).__name__}: {str(error)[:300]}")
        about["count"] += 1
        return f"crash: {name}"

    def _keep(self, name: str, data: bytes, what: str) -> dict[str, Any]:
        found = self.crashes.get(name)
        if found is None:
            found = self.crashes[name] = {"count": 0, "what": what, "file": ""}
            if self.folder is not None and len(self.crashes) <= _MOST_KEPT:
                file = self.folder / f"crash-{hashlib.sha256(data).hexdigest()[:12]}"
                file.write_bytes(data)
                found["file"] = str(file)
        return found

    def told(self) -> dict[str, Any]:
        """Say what came of it."""
        self._memory()
        return {
            "inputs": self.tried,
            "seconds": round(self.seconds, 1),
            "outcomes": len(self.outcomes),
            "crashes": {name: about for name, about in self.crashes.items() if about["count"]},
            "hangs": self.hangs,
            "hung": [about for about in self.crashes.values() if not about["count"]],
            "slowest_s": round(self.slowest, 3),
            "warm_mb": round(self.warm_mb, 1),
            "growth_mb": round(max(0.0, resident() - self.warm_mb), 1),
        }


def resident() -> float:
    """Give this process's resident memory in MB; where the system does not tell, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    return pages * resource.getpagesize() / 2**20


def arm(watch: Watch) -> None:
    """Have inputs that never end broken off: a tick each second of processor time, some within one input."""

    def tick(number: int, frame: FrameType | None) -> None:
        watch.ticks += 1
        if watch.ticks > _ENDLESS:
            watch.ticks = 0
            raise Endless

    signal.signal(signal.SIGPROF, tick)
    signal.setitimer(signal.ITIMER_PROF, 1.0, 1.0)
