"""What paired transfers say of throttling: how many times slower the site's name is, and how sure that is.

Each pair is one transfer for the site's name and one for a neutral name from the same server, one after the
other in changing order, so that what changes slowly (load, signal) falls on both.  The logarithm of their
ratio is near normal, and the mean of a few has Student's t interval: a bootstrap of five values would know
only five values (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, 14.6, on small samples).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gatewatch.records import Measurement
from gatewatch.verdict.words import NOT_LOOKED

TEST = "throttle"
#: The two arms, and the transfer before them that finds out whether the server talks to us so.
NAMED, NEUTRAL, TRIAL = "named", "neutral", "trial"
#: Whose server the transfers come from.
SITE, HELPER = "site", "helper"
#: Pairs without which nothing is said: with three, the interval is nine standard errors to each side.
LEAST_PAIRS = 4
#: Bytes without which a transfer says nothing of a rate: the initial window of ten segments (RFC 6928) comes
#: at once, whatever the rate is.
LEAST_BYTES = 16_384
#: How many times slower the site's name must be at the least.  Paired replays are said to differ from 10 % of
#: the larger rate on (Kakhki et al., "Identifying Traffic Differentiation in Mobile Networks", IMC 2015); a
#: server may also treat its own names differently by that much, and what is throttled on purpose is 4 to 100
#: times slower (Twitter in Russia: 130 kbps, Xue et al., IMC 2021).  `python -m benchmarks throttling` shows
#: how far from it unthrottled lines with loss and jitter stay.
BEYOND_NOISE = 1.5
#: Up to here it is called even: an interval that reaches further has room for a throttle.
EVEN = 2.0
# Student's t at 0.995 for 1 to 30 degrees of freedom: two-sided 99 % intervals (NIST/SEMATECH e-Handbook of
# Statistical Methods, 1.3.6.7.2).
_T99 = (
    *(63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169),
    *(3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845),
    *(2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750),
)
# Rates in kbps that a record may claim.
_SLOWEST, _FASTEST = 1e-3, 1e9
# A record that tells of more transfers is not ours.
_MOST = 256


class Ratio(NamedTuple):
    """How many times slower, with the bounds of its 99 % interval; -1 where they are unknown."""

    pairs: int = 0
    value: float = -1.0
    low: float = -1.0
    high: float = -1.0


def ratio(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """Compare pairs of rates (neutral, named), all above zero: the geometric mean of their ratios."""
    if not pairs:
        return Ratio()
    logs = [math.log(neutral / named) for neutral, named in pairs]
    mean = math.fsum(logs) / len(logs)
    if len(logs) < 2:
        return Ratio(1, math.exp(mean))
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in logs) / (len(logs) - 1) / len(logs))
    reach = _T99[min(len(logs) - 1, len(_T99)) - 1] * spread
    # A ratio that no line has is no number to show, and none to overflow.
    low, high = max(mean - reach, -30.0), min(mean + reach, 30.0)
    return Ratio(len(logs), math.exp(mean), math.exp(low), math.exp(high))


def evidence(m: Measurement) -> dict[str, Any]:
    """Read the features of a throttling measurement: of the set of transfers that says most."""
    keys = m.test_keys
    if keys is None:
        return {"judged_test": True}
    about = keys.extra.get("x_gatewatch_throttle")
    about = about if isinstance(about, Mapping) else {}
    host = about.get("host")
    rows = about.get("transfers")
    rows = [r for r in rows[:_MOST] if isinstance(r, Mapping)] if isinstance(rows, list | tuple) else []
    sets = [_set(rows, where) for where in (HELPER, SITE)]
    # The set whose lower bound is highest; else the one with more pairs.
    best = max(sets, key=lambda f: (f["pace_low"], f["pace_pairs"], f["pace"] != NOT_LOOKED, f["pace_small"]))
    return {
        "judged_test": True,
        "looked": bool(keys.queries or keys.tcp_connect),
        "host": host if isinstance(host, str) else "",
        **best,
    }


def measured(rows: Sequence[Mapping[str, Any]], where: str) -> bool:
    """Tell whether one place's transfers are enough for a verdict."""
    return bool(_set(rows, where)["pace_pairs"] >= LEAST_PAIRS)


def settled(rows: Sequence[Mapping[str, Any]], where: str) -> bool:
    """Tell whether one place's transfers say throttled or even, so that no more need be made."""
    found = _set(rows, where)
    clear = found["pace_low"] >= BEYOND_NOISE or found["pace_high"] <= EVEN
    return bool(found["pace_pairs"] >= LEAST_PAIRS and clear)


def _set(rows: Iterable[Mapping[str, Any]], where: str) -> dict[str, Any]:
    """One place's transfers, paired."""
    mine = [row for row in rows if row.get("where") == where]
    trials = [row.get("bytes") for row in mine if row.get("arm") == TRIAL and row.get("failure") is None]
    rates: dict[int, dict[str, float]] = {}
    pages: dict[str, set[str]] = {NAMED: set(), NEUTRAL: set()}
    tried = {NAMED: 0, NEUTRAL: 0}
    failed = {NAMED: 0, NEUTRAL: 0}
    sizes = {NAMED: 0, NEUTRAL: 0}
    for row in mine:
        arm, number = row.get("arm"), row.get("pair")
        if arm not in (NAMED, NEUTRAL) or not isinstance(number, int):
            continue
        tried[arm] += 1
        rate, size = row.get("kbps"), row.get("bytes")
        if not isinstance(rate, int | float) or not isinstance(size, int):
            failed[arm] += 1  # nothing to compute with
        elif row.get("failure") is not None or not _SLOWEST < rate < _FASTEST:
            failed[arm] += 1
        elif size >= LEAST_BYTES or row.get("cut") is True:
            sizes[arm] += 1
            pages[arm].add(str(row.get("page")))
            rates.setdefault(number, {})[arm] = float(rate)
    found = ratio([(r[NEUTRAL], r[NAMED]) for r in rates.values() if len(r) == 2])
    return {
        "pace": where if any(tried.values()) else NOT_LOOKED,
        # A page that changes with each visit may begin alike only now and then.
        "pace_same": not pages[NAMED].isdisjoint(pages[NEUTRAL]),
        "pace_pairs": found.pairs,
        "pace_ratio": found.value,
        "pace_low": found.low,
        "pace_high": found.high,
        "pace_kbps": _median(r[NAMED] for r in rates.values() if NAMED in r),
        "pace_neutral_kbps": _median(r[NEUTRAL] for r in rates.values() if NEUTRAL in r),
        "pace_failed": failed[NAMED],
        "pace_neutral_failed": failed[NEUTRAL],
        "pace_small": tried[NEUTRAL]
        - failed[NEUTRAL]
        - sizes[NEUTRAL]
        + sum(isinstance(size, int) and 0 < size < LEAST_BYTES for size in trials),
    }


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else -1.0
