"""A transfer of the control plane that ends in time, whatever the other side does with the connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Beyond its time a transfer may have one request under way: a connection, and an answer.
_GRACE = 120.0


class Unfinished(Exception):
    """It did not end.  What arrived is known; the rest is for the next time."""


def bounded(
    transfer: Callable[[], T],
    within: float,
    grace: float = _GRACE,
    late: Callable[[T], object] = lambda _: None,
) -> T:
    """Call ``transfer``, and leave it where it is when it does not come back; raises Unfinished.

    Every step of a transfer may be cut off anywhere: an upload's ledger and a download's notes are for that.
    So a thread that hangs in a socket is not waited for; it ends with the process.  ``late`` is told of what
    came when nobody waited any more.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    waiting = threading.Lock()
    over = False

    def call() -> None:
        try:
            result = transfer()
        except BaseException as error:
            errors.append(error)
            return
        with waiting:
            if not over:
                results.append(result)
                return
        late(result)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    until = time.monotonic() + within + grace
    while thread.is_alive() and time.monotonic() < until:
        # In steps, so that Ctrl-C and SIGTERM are noticed (gatewatch.unattended.duty.nap says why).
        thread.join(min(1.0, grace + within))
    with waiting:
        over = True
    if errors:
        raise errors[0]
    if not results:
        raise Unfinished(f"no end after {within + grace:.0f} s")
    return results[0]
