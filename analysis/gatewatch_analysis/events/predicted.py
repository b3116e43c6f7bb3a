"""The predictions that were registered before the data, held against it.

Those about the gateway wait for a day that has not come: until somebody says when it began (``operation``),
each is *to come*, and what it measures is printed as the baseline.  After it, a prediction holds where the
intervals of before and after do not meet and the change goes the way that was foretold; it fails where enough
ISPs were measured and it did not.  Those that say nothing will be found are computed at once: they hold where
every detector is quiet, and fail where one fires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED
from gatewatch_analysis.events import measures
from gatewatch_analysis.events.joint import joint_changes
from gatewatch_analysis.events.measures import Measure, Measured, Seen
from gatewatch_analysis.events.series import by_target, counted
from gatewatch_analysis.gateway.isps import by_isp
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import Evaluations
from gatewatch_targets.events import events
from gatewatch_targets.predictions import Prediction, predictions

#: With fewer ISPs on either side nothing is said of a country: resampled, three ISPs with a way out each look
#: like one way out in one draw of nine, five in one of six hundred.
LEAST_ISPS = 5
#: How much of the time before the day is the baseline.
BASELINE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Expected:
    """A measure and where it goes if the prediction is right."""

    measure: Measure
    up: bool


#: What each prediction about the gateway measures, and which way it was said to go.
MEASURES: Mapping[str, _Expected] = {
    "nig-border": _Expected(measures.border_concentration, up=True),
    "nig-hop": _Expected(measures.shared_link, up=True),
    "nig-lists": _Expected(measures.alike_lists, up=True),
    "nig-signature": _Expected(measures.one_kind_of_box, up=True),
    "nig-domestic": _Expected(measures.way_at_home, up=True),
    "nig-mechanism": _Expected(measures.names_alone, up=False),
    "nig-sides": _Expected(measures.sides_apart, up=True),
}
#: Predictions that need what no table of ours holds, and what that is.
UNMEASURED: Mapping[str, str] = {
    "nig-places": "bounds of border links to a town, which times and names of hops do not give yet",
}
#: Predictions that nothing will be found: the days looked at, and words that a target must hold to count.
PLACEBOS: Mapping[str, tuple[date, date, tuple[str, ...]]] = {
    "placebo-th-2015": (date(2015, 6, 30), date(2015, 10, 15), ()),
    "placebo-kh-2022": (date(2022, 2, 9), date(2022, 2, 23), ()),
    "placebo-th-2020": (date(2020, 10, 19), date(2020, 10, 31), ("telegram", "t.me")),
    "placebo-rfa-2025": (date(2025, 11, 1), date(2025, 11, 30), ("rfa.org", "radiofreeasia")),
}
# Two ISPs: one that does what it likes is no detector's mistake.
_ALARM_ISPS = 2


def evaluate(
    dataset: Dataset, prefixes: Whereabouts, *, operation: date | None = None, lab: bool = False
) -> pd.DataFrame:
    """Hold every registered prediction against a dataset (table ``Evaluations``).

    ``operation``: the day on which the gateway went into operation, where somebody says so.  ``lab``: judge
    what was measured in the lab instead of the real thing.
    """
    rows = []
    for prediction in predictions().values():
        for country in prediction.countries:
            seen = _seen(dataset, prefixes, country, lab)
            if prediction.id in PLACEBOS:
                state, text, value, isps = _placebo(prediction, seen)
            elif prediction.id in MEASURES:
                state, text, value, isps = _foretold(MEASURES[prediction.id], seen, operation)
            else:
                state, text, value, isps = "cannot tell", f"needs {UNMEASURED[prediction.id]}", None, 0
            rows.append(
                (
                    *(prediction.id, str(prediction.registered), country, lab, prediction.is_placebo),
                    *(prediction.claim, state, text, value, isps),
                )
            )
    return Evaluations.frame(rows)


def _seen(dataset: Dataset, prefixes: Whereabouts, country: str, lab: bool) -> Seen:
    def cut(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["country"] == country) & (frame["lab"] == lab)]

    return Seen(cut(dataset.measurements), cut(dataset.hops), cut(dataset.loci), prefixes)


_Row = tuple[str, str, float | None, int]


def _foretold(expected: _Expected, seen: Seen, operation: date | None) -> _Row:
    if operation is None:
        now = expected.measure(seen)
        return "to come", f"baseline: {now.text}" if now else "no baseline yet", *_number(now)
    day = datetime.combine(operation, time(), UTC)
    before = expected.measure(seen.between(day - BASELINE, day))
    # The day itself may be half one and half the other.
    after = expected.measure(seen.between(day + timedelta(days=1), None))
    if before is None or after is None or min(before.isps, after.isps) < LEAST_ISPS:
        return "cannot tell", f"fewer than {LEAST_ISPS} ISPs before or after", *_number(after)
    went = after.low > before.high if expected.up else after.high < before.low
    return "holds" if went else "fails", f"before: {before.text}; after: {after.text}", *_number(after)


def _number(measured: Measured | None) -> tuple[float | None, int]:
    return (measured.value, measured.isps) if measured else (None, 0)


def _placebo(prediction: Prediction, seen: Seen) -> _Row:
    first, last, words = PLACEBOS[prediction.id]
    if words:
        return _newly_blocked(seen, first, last, words)
    near = seen.measurements["start"].between(_midnight(first), _midnight(last + timedelta(days=1)))
    isps = sum(1 for _ in by_isp(seen.measurements[near]))
    if isps < _ALARM_ISPS:
        return "cannot tell", f"{isps} ISPs were measured in these days", None, isps
    alarms = _alarms(seen, first, last)
    if alarms:
        return "fails", "; ".join(alarms), float(len(alarms)), isps
    return "holds", "no detector fired", 0.0, isps


def _alarms(seen: Seen, first: date, last: date) -> list[str]:
    """Give what the detectors say of these days: joint changes of any layer, up or down."""
    found = []
    for by in ("all", "layer"):
        targets = by_target(seen.measurements, by)
        changes = joint_changes(counted(targets), targets, events=events())
        during = changes[changes["date"].between(_midnight(first), _midnight(last))]
        found += [
            f"{row['subject']} changed on {row['isps']} ISPs at {row['date'].date()}"
            for _, row in during.iterrows()
        ]
    return found


def _newly_blocked(seen: Seen, first: date, last: date, words: Sequence[str]) -> _Row:
    """Count the ISPs that block such a target in these days and did not before, of those that tell both."""
    measured = seen.measurements
    text = measured["input"].fillna("") + " " + measured["host"].fillna("")
    mine = measured[text.map(lambda said: any(word in said for word in words)).astype(bool)]
    during = mine["start"].between(_midnight(first), _midnight(last + timedelta(days=1)))
    isps = hits = 0
    for _, rows in by_isp(mine):
        now = _mostly_blocked(rows[during.loc[rows.index]])
        before = _mostly_blocked(rows[rows["start"] < _midnight(first)])
        # What nobody measured before may have been blocked for years.
        if now is None or before is None:
            continue
        isps += 1
        hits += now and not before
    if isps < _ALARM_ISPS:
        return "cannot tell", f"{isps} ISPs measured such targets before and in these days", None, isps
    state = "fails" if hits >= _ALARM_ISPS else "holds"
    return state, f"newly blocked on {hits} of {isps} ISPs", float(hits), isps


def _mostly_blocked(rows: pd.DataFrame) -> bool | None:
    """Say whether most of the decided are blocked; None where none is decided."""
    decided = rows[rows["status"].isin(DECIDED)]
    return bool((decided["status"] == "blocked").mean() > 0.5) if len(decided) else None


def _midnight(day: date) -> Any:
    return pd.Timestamp(day, tz="UTC")
