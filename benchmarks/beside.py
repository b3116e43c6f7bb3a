"""A figure beside its peer's: both, their ratio, and how far the ratio went from round to round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def beside(
    peer: str,
    ours: float | None,
    theirs: float | None,
    *,
    rounds: Sequence[tuple[float, float]] = (),
) -> dict[str, Any]:
    """What a goal says under ``beside``; ``rounds`` are pairs of ours and theirs, taken one after the other.

    Without a figure of the peer there is no ratio.  With rounds the ratio is their median, else of the two.
    """
    ratios = sorted(a / b for a, b in rounds if b)
    ratio = statistics.median(ratios) if ratios else ours / theirs if ours is not None and theirs else None
    return {
        "peer": peer,
        "ours": ours,
        "theirs": theirs,
        "ratio": ratio,
        "spread": [ratios[0], ratios[-1]] if len(ratios) > 1 else None,
    }
