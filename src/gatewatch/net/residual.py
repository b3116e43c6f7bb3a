"""Residual blocking: wait until what a trigger left behind is gone, before anything is concluded or repeated.

Many filters go on blocking everything between the two addresses for a while after they were triggered:
China's 90 or 180 s by address and port (Bock et al., "Your Censor is My Censor", WOOT 2021), Turkmenistan's
30 s for the same connection.  A control that fails then says nothing about the site, and a repeated trigger
nothing about the name.
So before each repeated trigger a control exchange with the same address and port must pass.
How long that took is a fingerprint of the filter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from gatewatch.records import ResidualWait

#: Seconds to wait before each further control exchange; together 11 minutes, beyond any block on record.
BACK_OFF = (30.0, 60.0, 90.0, 180.0, 300.0)
#: The longest block on record after which everything between the two passes again, in s (WOOT 2021, above).
LONGEST = 180.0
#: Seconds kept of the time that the caller has left, for the exchanges that the waiting was for.
RESERVE = 40.0


async def wait_until_clear(
    control: Callable[[], Awaitable[bool]], *, since: float, patience: float = float("inf")
) -> ResidualWait:
    """Make control exchanges until one passes, with growing pauses; gives what was found.

    ``control`` makes one exchange and tells whether it passed.  ``since`` is when the last trigger was sent,
    in trio's time.
    No pause is begun that would end after ``patience`` seconds of waiting in all, or less than
    :data:`RESERVE` seconds before the deadline of the scope around: then ``passed`` is false.
    """
    waits: list[float] = []
    at_least: float | None = None
    for pause in (*BACK_OFF, None):
        asked = trio.current_time()
        if await control():
            # Until the control was sent, not until it was answered: it found the way free when it set out.
            return _row(True, waits, at_least, asked - since)
        at_least = asked - since
        left = trio.current_effective_deadline() - trio.current_time() - RESERVE
        if pause is None or pause > left or sum(waits) + pause > patience:
            break
        waits.append(pause)
        await trio.sleep(pause)
    return _row(False, waits, at_least, None)


def _row(passed: bool, waits: list[float], at_least: float | None, at_most: float | None) -> ResidualWait:
    return ResidualWait(
        passed=passed,
        waits=tuple(waits),
        at_least=None if at_least is None else round(at_least, 3),
        at_most=None if at_most is None else round(at_most, 3),
    )
