"""Slow start: a queue that fills ends it, jitter does not (RFC 9406)."""

from __future__ import annotations

from gatewatch.lab.transport.congestion import Congestion

MSS = 1460


def grown(*trips: float) -> list[int]:
    """The window in segments after each round trip, all of it having been acknowledged."""
    window = Congestion(MSS)
    found = []
    for trip in trips:
        window.measured(trip)
        for _ in range(window.window // MSS):
            window.acknowledged(0, MSS)
        found.append(window.window // MSS)
    return found


def test_it_doubles_while_round_trips_stay() -> None:
    assert grown(0.05, 0.05, 0.05, 0.052) == [20, 40, 80, 160]


def test_it_slows_down_and_ends_when_they_grow() -> None:
    windows = grown(0.05, 0.05, 0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16)
    assert windows[:2] == [20, 40]
    assert windows[2:7] == [50, 62, 78, 97, 121]  # a quarter more each time
    assert windows[8] - windows[7] == 1  # one segment a round trip, from then on


def test_jitter_interrupts_it_for_a_round_trip_only() -> None:
    assert grown(0.05, 0.08, 0.06, 0.09, 0.05) == [20, 25, 50, 62, 124]
