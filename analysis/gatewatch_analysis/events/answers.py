"""The ISPs' steps at an event, put together: as expected, or not?  The unit is the ISP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from gatewatch_analysis.events.interrupted import LEVEL
from gatewatch_analysis.statistics import at_least, sign_test_both_ways
from gatewatch_analysis.tables import EventAnswers
from gatewatch_targets.events import Event, events

#: Two ISPs or more must step the same way before an event of a country is said to show; and more than would
#: by chance, as one date in twenty has such a step on an ISP on which nothing happened.
LEAST_ISPS = 2


def event_answers(interruptions: pd.DataFrame, known: Sequence[Event] | None = None) -> pd.DataFrame:
    """Give one row per country, event and subject (table ``EventAnswers``), from ``interruptions``.

    ``known`` are the events, those of :mod:`gatewatch_targets.events` unless others are given.
    """
    texts = {event.id: event.text for event in (events() if known is None else known)}
    keys = ["country", "lab", "event", "expects", "subject"]
    rows: list[tuple[Any, ...]] = []
    for (country, lab, event, expects, subject), part in interruptions.groupby(keys, sort=True):
        told = part[part["outcome"] != "cannot tell"]
        up, down = (int((told["outcome"] == way).sum()) for way in ("up", "down"))
        rows.append(
            (
                country,
                lab,
                event,
                texts.get(str(event)),
                expects,
                subject,
                len(told),
                up,
                down,
                float(told["level"].median()) if len(told) else None,
                sign_test_both_ways(up, down),
                _answer(str(expects), len(told), up, down),
            )
        )
    return EventAnswers.frame(rows)


def _answer(expects: str, told: int, up: int, down: int) -> str:
    most = max(up, down)
    shows = most >= LEAST_ISPS and at_least(most, told, LEVEL) <= LEVEL
    if expects == "nothing":
        # One ISP that does what it likes is no detector's mistake; two at once would be.
        return "detector fired" if shows else "quiet as expected" if told >= LEAST_ISPS else "cannot tell"
    if told < LEAST_ISPS:
        return "cannot tell"
    if expects == "change":
        return "as expected" if shows else "not as expected"
    return "changed" if shows else "no change"
