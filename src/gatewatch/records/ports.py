"""What the ``ports`` probe tries, and the words that it and a helper's ports say to one another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gatewatch.records.field import doc, extra

#: What a TCP port of a helper says at once, before it closes.
GREETING: Final = b"gatewatch helper\r\n"
# A datagram with these words is answered with those, and the same nonce behind.  Both are of one length, so
# that nobody gains by having answers sent elsewhere, and an answer is no question, so that two helpers cannot
# be made to answer each other.
_ASK, _SAY = b"gatewatch, here?", b"gatewatch, here."
_NONCE = 16
#: The size of a question and of its answer.
DATAGRAM: Final = len(_ASK) + _NONCE
# Ports of each transport that a helper is believed to have open.
_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRow:
    """One look at one port of a helper, a row of ``x_gatewatch_ports``.

    Its connection stands in the usual lists too, under the same ``transaction_id``; what an earlier
    measurement of the run saw is told again, without both.
    """

    helper: str = doc("the helper's URL")
    address: str = doc("its address")
    port: int = doc("port")
    transport: str = doc("tcp or udp")
    service: str = doc("who is usually there; empty for base", "")
    kind: str = doc(
        "base (the port over which the helper said which others it answers on: before, between and after), "
        "vpn, dns (private DNS), control (services that have nothing to do with tunnels), spare (a port that "
        "is given to nobody)"
    )
    outcome: str = doc(
        "answered (by the helper), other (by somebody else), refused, timeout, reset, eof, unreachable, "
        "failed"
    )
    failure: str | None = doc("df-007 failure, or null", None)
    transaction_id: int = doc("joins it to the records of the connection; 0 where they are elsewhere", 0)
    t: float | None = doc("when it ended; null where an earlier measurement saw it", None, unit="s")
    extra: Mapping[str, Any] = extra()


def question() -> bytes:
    """Write a datagram that a helper's port answers."""
    return _ASK + os.urandom(_NONCE)


def answer(data: bytes) -> bytes | None:
    """Give what a helper's port answers to a datagram, None where it keeps silent."""
    return _SAY + data[-_NONCE:] if len(data) == DATAGRAM and data.startswith(_ASK) else None


def offer(tcp: Iterable[int], udp: Iterable[int]) -> dict[str, Any]:
    """Write the page that says which ports a helper answers on."""
    return {"tcp": sorted(set(tcp)), "udp": sorted(set(udp))}


def offered(value: Any) -> tuple[tuple[int, str], ...]:
    """Read such a page: ports with their transport; () for anything else."""
    if not isinstance(value, dict) or not all(isinstance(value.get(t), list) for t in ("tcp", "udp")):
        return ()
    return tuple(
        (port, transport)
        for transport in ("tcp", "udp")
        for port in dict.fromkeys(p for p in value[transport] if type(p) is int and 0 < p < 65536)
    )[: 2 * _MOST]
