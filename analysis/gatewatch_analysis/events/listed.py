"""Was it the blocking that changed, or the list?  Other targets after than before make a step of their own.

A list that grows by sites that were blocked all along lifts the share blocked on every ISP on one day, which
looks like a joint event.  So a step is held against the targets that were tested on both sides of it (the
matched models of price indices: ILO and others, Consumer Price Index Manual, 2004, chapter 7).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.tables import VANTAGE

_DAY_0 = pd.Timestamp(0, tz="UTC")
# More than this part of a step, and it is the list's rather than the blocking's.
_MOST = 0.5


class Lists:
    """The targets that each ISP tested, day by day; from the table ``TargetDays``."""

    def __init__(self, targets: pd.DataFrame) -> None:
        places = targets.groupby(VANTAGE, sort=False, observed=True).indices
        self._rows = {_key(keys): rows for keys, rows in places.items()}
        self._days = ((targets["day"] - _DAY_0) // pd.Timedelta(days=1)).to_numpy(np.int64)
        self._targets = pd.factorize(targets["input"])[0]
        self._of, self._hit = (targets[name].fillna("").to_numpy(object) for name in ("of", "hit"))
        self._every = targets["of"].isna().to_numpy(bool)

    def made(
        self, vantage: Any, subject: str, spans: tuple[int, int, int, int], step: float | None = None
    ) -> bool:
        """Whether a step may be the list's work: that part which the targets of both sides do not make.

        ``spans``: the days since 1970 from which, and up to but not with which, is before; and so for after.
        ``step``: the step of the share, where another than that from the mean of before to that of after.
        """
        rows = self._rows.get(_key(vantage), np.zeros(0, np.int64))
        mine = rows[self._every[rows] | (self._of[rows] == subject)]
        first, until, since, last = spans
        days, hit = self._days[mine], self._hit[mine] == subject
        before, after = (days >= first) & (days < until), (days >= since) & (days < last)
        if not before.any() or not after.any():
            return True
        which = self._targets[mine]
        sides = [_counts(which[side], hit[side], which.max() + 1) for side in (before, after)]
        (h0, t0), (h1, t1) = sides
        both = (t0 > 0) & (t1 > 0)
        if not both.any():
            return True
        whole = float(h1.sum() / t1.sum() - h0.sum() / t0.sum())
        step = whole if step is None else step
        matched = float((h1[both] / t1[both] - h0[both] / t0[both]).mean())
        return bool((whole - matched) * np.sign(step) > _MOST * abs(step))


def _key(vantage: Any) -> tuple[str, str, int, bool]:
    country, isp, asn, lab = vantage
    return str(country), str(isp), int(asn), bool(lab)


def _counts(targets: Any, hit: Any, many: int) -> tuple[Any, Any]:
    return np.bincount(targets, hit, minlength=many), np.bincount(targets, minlength=many)
