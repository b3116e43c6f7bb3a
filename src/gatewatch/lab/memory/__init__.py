"""The memory attachment: fake sockets behind trio's seam, whose packets take the same engine's path.

No privileges, no kernel, any operating system.  Everything happens on trio's clock, so that under
``trio.testing.MockClock(autojump_threshold=0)`` a minute's run takes milliseconds and times are exact.
Errors are Linux's: the same errno at the same moment as its sockets give.
"""

from gatewatch.lab.memory.internet import MemoryInternet, attached

__all__ = ["MemoryInternet", "attached"]
