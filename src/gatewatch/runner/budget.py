"""What a run may cost: seconds, bytes, and how much is under way at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost; None is no limit."""

    #: Seconds for one item; the steps' own limits end a web measurement of three bad redirects before this.
    item: float = 180.0
    #: Seconds for the whole run.
    run: float | None = None
    #: Bytes received and sent in the whole run, as the network events count them.
    total_bytes: int | None = None
    #: Items under way at once: a guard for memory, far above what the start rate leads to.
    under_way: int = 4000
