"""Forged TCP segments: what boxes send in the name of one end to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewatch.lab.boxes.hand import PLAIN, Hand
from gatewatch.lab.path.packet import ACK, FIN, RST, SYN, Segment, tcp

if TYPE_CHECKING:
    from gatewatch.lab.boxes.base import Wire


def after(trigger: Segment) -> int:
    """Give the sequence number that follows a segment."""
    length = len(trigger.data) + (trigger.flags & SYN > 0) + (trigger.flags & FIN > 0)
    return (trigger.seq + length) & 0xFFFFFFFF


def answer(
    trigger: Segment,
    wire: Wire,
    *,
    flags: int,
    data: bytes = b"",
    ahead: int = 0,
    hand: Hand = PLAIN,
    window: int = 0xFFFF,
) -> None:
    """Send the client a segment in the server's name with the numbers it expects, ``ahead`` bytes later."""
    forged = tcp(
        trigger.destination,
        trigger.dport,
        trigger.source,
        trigger.sport,
        seq=(trigger.ack + ahead) & 0xFFFFFFFF,
        ack=after(trigger) if flags & ACK else 0,
        flags=flags,
        window=window,
        data=data,
        ttl=hand.ttl,
    )
    wire.to_client(hand.sign(forged))


def reset(trigger: Segment, wire: Wire, *, both: bool = False, hand: Hand = PLAIN) -> None:
    """Send the client RST in the server's name, and ``both``: also one to the server in the client's."""
    for _ in range(hand.resets):
        answer(
            trigger, wire, flags=hand.reset_flags, data=hand.reset_data, hand=hand, window=hand.reset_window
        )
    if both:
        release(trigger, wire)


def release(trigger: Segment, wire: Wire) -> None:
    """End the server's side of a flow that an in-path box has taken over."""
    there = trigger.source, trigger.sport, trigger.destination, trigger.dport
    wire.to_server(tcp(*there, seq=trigger.seq, ack=trigger.ack, flags=RST | ACK))


def acknowledge_end(late: Segment, wire: Wire, *, hand: Hand = PLAIN) -> None:
    """Acknowledge what the client of a taken-over flow still sends, so that it can finish in peace."""
    if after(late) != late.seq and not late.flags & RST:
        answer(late, wire, flags=ACK, hand=hand)
