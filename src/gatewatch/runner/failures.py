"""What went wrong in a measurement, asked for what the run itself is to blame for: the machine, the line.

An error says what this machine ran out of, or that a probe could not run.  What a probe has written down says
the same, and whether anything in it ended by silence, and when, so that the line can be asked about it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gatewatch.records import TestKeys
from gatewatch.records import failure as f
from gatewatch.store import StoreFull, Unscrubbable
from gatewatch.words import mark

# What is left out because of the machine, in words that are worded for people later.
FILES = mark("This machine allows too few open files.")
MEMORY = mark("This machine has too little memory or too few threads.")
NETWORK = mark("The network of this machine does not stay as it is.")


def said(error: BaseException) -> str:
    """Say what an error says; of a group of them, which nurseries raise, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    plain = isinstance(error, (RuntimeError, ValueError, StoreFull, Unscrubbable)) and str(error)
    return plain or f"{type(error).__name__}: {error}"


def lacking(error: BaseException) -> str | None:
    """Name what this machine ran out of, as an error or the first of a group says; None: of nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f.local(error)


def lacked_in(keys: TestKeys) -> str | None:
    """Name what this machine ran out of during a measurement; None: of nothing."""
    # Where IPv6 is switched off, the kernel says of every address of it that this machine has none.
    four = [c.status.failure for c in keys.tcp_connect or () if ":" not in (c.ip or "")]
    four += [e.failure for e in keys.network_events or () if "[" not in (e.address or "")]
    others = [query.failure for query in keys.queries or ()]
    return next((failure for failure in (*four, *others) if failure and failure in f.LOCAL), None)


def why(lack: str) -> str:
    """Say what this machine ran out of, for people."""
    return FILES if lack == f.NO_FILES else MEMORY if lack == f.NO_MEMORY else NETWORK


def timed_out(keys: TestKeys) -> bool:
    """Tell whether anything ended by silence, as on a full line; a reset or an answer comes from somebody."""
    # An endpoint that is left alone because it was silent for others counts: so may they have been.
    skipped = keys.extra.get("x_gatewatch_skipped")
    rows = skipped if isinstance(skipped, list) else []
    left_alone = any(isinstance(row, Mapping) and row.get("reason") != "bogon" for row in rows)
    return left_alone or f.GENERIC_TIMEOUT in _failures(keys)


def last_failure(keys: TestKeys) -> float | None:
    """When the last thing went wrong that a dead line could explain, in seconds since the start."""
    times = [query.t for query in keys.queries or () if query.failure is not None]
    times += [connect.t for connect in keys.tcp_connect or () if not connect.status.success]
    times += [handshake.t for handshake in keys.tls_handshakes or () if handshake.failure is not None]
    times += [request.t for request in keys.requests or () if request.failure is not None]
    # A record without its time may have failed at any moment, so only a look from now on speaks for the line.
    return max((math.inf if t is None else t for t in times), default=None)


def _failures(keys: TestKeys) -> list[str | None]:
    failures = [query.failure for query in keys.queries or ()]
    failures += [connect.status.failure for connect in keys.tcp_connect or ()]
    failures += [handshake.failure for handshake in keys.tls_handshakes or ()]
    return failures + [request.failure for request in keys.requests or ()]
