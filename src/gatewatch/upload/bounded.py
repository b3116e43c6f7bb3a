"""A delivery that ends in time, whatever the other side does with the connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# Beyond its time a delivery may have one request under way: a connection, and an answer.
_GRACE = 120.0


class Unfinished(Exception):
    """It did not end.  What arrived is known; the rest goes on with the next delivery."""


def bounded(deliver: Callable[[], T], within: float, grace: float = _GRACE) -> T:
    """Call ``deliver``, and leave it where it is when it does not come back.

    Every step of a delivery may be cut off anywhere: that is what the ledger is for.  So a thread that hangs
    in a socket is not waited for; it ends with the process.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(deliver())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    until = time.monotonic() + within + grace
    while thread.is_alive() and time.monotonic() < until:
        # In steps, so that Ctrl-C and SIGTERM are noticed (gatewatch.unattended.duty.nap says why).
        thread.join(min(1.0, grace + within))
    if errors:
        raise errors[0]
    if not results:
        raise Unfinished(f"no end after {within + grace:.0f} s")
    return results[0]
