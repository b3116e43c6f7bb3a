"""The same name abroad and at home: on which way is it cut, ISP by ISP, and does the difference show?

A filter at the border cuts it abroad alone; one near the line cuts both; a resolver that lies cuts neither,
since no resolver is asked.  Cut abroad alone is what a provider's own border does as well, so this separates
a gateway from boxes in access networks, not from borders of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.isps import Isp, by_country, rows_by_isp
from gatewatch_analysis.statistics import sign_test
from gatewatch_analysis.tables import ContrastByIsp, ContrastSigns

#: What may be said of an ISP.
CONCLUSIONS = ("foreign_only", "both", "domestic_only", "neither")
_CUT = CONCLUSIONS[:3]


def contrast_by_isp(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Sum up each ISP's contrasts (table ``ContrastByIsp``).

    A name that is cut in one way of sending it and passes in others is cut: filters read one layer.  Names
    then vote; where as many say otherwise the ISP's conclusion is missing.
    """
    rows: list[tuple[Any, ...]] = []
    for isp, mine in rows_by_isp(contrasts, "input", "conclusion").items():
        by_name: dict[str, Counter[str]] = defaultdict(Counter)
        for name, word in mine:
            by_name[name][str(word)] += 1
        votes: Counter[str] = Counter()
        for found in by_name.values():
            cut = [word for word in _CUT if found[word]]
            if cut:
                votes[min(cut, key=lambda word: (-found[word], _CUT.index(word)))] += 1
            elif found["neither"]:
                votes["neither"] += 1
        counts = [votes[word] for word in CONCLUSIONS]
        most = max(counts)
        winners = [word for word, count in zip(CONCLUSIONS, counts, strict=True) if count == most]
        said = winners[0] if most and len(winners) == 1 else None
        rows.append((*isp, len(by_name), *counts, said))
    return ContrastByIsp.frame(rows)


def contrast_signs(said: pd.DataFrame) -> pd.DataFrame:
    """Test over ISPs whether names are cut abroad rather than at home (table ``ContrastSigns``).

    Only ISPs on which the two ways differ tell.
    """
    rows: list[tuple[Any, ...]] = []
    for country, mine in by_country(said):
        known = mine["conclusion"].dropna()
        counts = [int((known == word).sum()) for word in CONCLUSIONS]
        rows.append((*country, len(known), *counts, sign_test(counts[0], counts[2])))
    return ContrastSigns.frame(rows)


def conclusions(said: pd.DataFrame) -> dict[Isp, str]:
    """Give each ISP's conclusion, where it has one."""
    return {isp: word for isp, ((word,), *_) in rows_by_isp(said, "conclusion").items() if word is not None}
