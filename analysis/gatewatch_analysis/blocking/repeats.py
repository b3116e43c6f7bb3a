"""What repeats say together: one verdict a cell, be it a target on an ISP, on a day, or in a run.

Repeats hang together: the same line, the same hour, the same filter.  Counted one by one they would claim a
certainty that is not there, so they become one verdict before anything is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gatewatch_analysis.counting import aggregate

#: Repeats that contradict one another as often as not decide nothing.
DISAGREE = "inconclusive(repeats_disagree)"
#: What a verdict can say; the last one speaks only where no other does.
STATUSES = ("ok", "tampered", "server_side", "blocked", "down", "inconclusive")
#: The server was reached, whatever it then said.
ALIVE = ("ok", "tampered", "server_side")
#: The verdicts that tell whether the path lets a target through.  A site that is down tells nothing of it.
DECIDED = (*ALIVE, "blocked")

# Tests that ask for a page, or for a step on the way to it.
_PAGES = ("web_connectivity", "resolve", "connect", "handshake", "fetch")
#: What of a verdict is settled.
VERDICT = ["status", "label", "layer", "method", "rule"]


def asked(measurements: pd.DataFrame, column: str = "input") -> pd.Series[str]:
    """Say what was asked: an app, or QUIC to a site, is another question than its web page, and no repeat."""
    what = measurements[column].astype("string").fillna("")
    page = measurements["test_name"].isin(_PAGES)
    return what.where(page, (what + " [" + measurements["test_name"].astype("string") + "]").str.strip())


def settle(measurements: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame:
    """Give one verdict per cell: its columns and the verdict's, ``confidence``, ``agree`` and ``repeats``.

    The commonest status among the repeats that are not inconclusive, and within it the commonest label (the
    more confident one of two that are equally common), with its most confident rule and the mean of its
    confidence.  Statuses that tie give ``DISAGREE``, with which no repeat agrees.  Cells come in their order;
    measurements that nothing judged do not count.
    """
    judged = measurements[measurements["status"].isin(STATUSES)]
    counted = aggregate(judged, [*cell, *VERDICT], ["confidence"])
    if counted.empty:
        return counted[[*cell, *VERDICT]].assign(
            confidence=pd.Series(dtype="Float64"),
            agree=pd.Series(dtype="Int64"),
            repeats=pd.Series(dtype="Int64"),
        )
    ids, first = _cells(counted, cell)
    rows = counted["rows"].to_numpy(np.int64)
    status = pd.Categorical(counted["status"], categories=list(STATUSES)).codes.astype(np.int64)
    votes = np.bincount(ids * len(STATUSES) + status, weights=rows, minlength=len(first) * len(STATUSES))
    votes = votes.reshape(len(first), len(STATUSES))
    repeats = votes.sum(axis=1)
    # Inconclusive repeats speak only where there are no others.
    votes[:, -1] *= votes[:, :-1].sum(axis=1) == 0
    top = votes.max(axis=1)
    tied = (votes == top[:, None]).sum(axis=1) > 1
    chosen = ~tied[ids] & (status == votes.argmax(axis=1)[ids])
    found: pd.DataFrame = counted.iloc[first][list(cell)].reset_index(drop=True)
    about = _labels(counted[chosen], ids[chosen]).reindex(np.arange(len(first)))
    for name in VERDICT:
        found[name] = about[name].astype("string").to_numpy()
    found = found.astype(dict.fromkeys(VERDICT, "string"))
    found.loc[tied, ["label", "status"]] = [DISAGREE, "inconclusive"]
    found["confidence"] = about["confidence"].array
    found["agree"] = about["rows"].fillna(0).astype("Int64").array
    found["repeats"] = pd.Series(repeats).astype("Int64")
    return found


def _cells(counted: pd.DataFrame, cell: Sequence[str]) -> tuple[Any, Any]:
    """Number the cells of a frame that is in their order: each row's number, and each cell's first row."""
    new = np.zeros(len(counted), bool)
    new[0] = True
    for name in cell:
        codes = pd.factorize(counted[name], use_na_sentinel=False)[0]
        new[1:] |= codes[1:] != codes[:-1]
    return np.cumsum(new) - 1, np.flatnonzero(new)


def _labels(counted: pd.DataFrame, ids: Any) -> pd.DataFrame:
    """Choose the commonest label of each cell, by number of the cell."""
    table = counted[[*VERDICT, "rows", "confidence"]].assign(
        cell=ids, label_code=pd.factorize(counted["label"], sort=True, use_na_sentinel=False)[0]
    )
    mean = table["confidence"] / table["rows"]
    table = table.assign(mean=mean).sort_values(["mean", "rule"], ascending=[False, True], kind="stable")
    groups = table.groupby(["cell", "label_code"], as_index=False, sort=False)
    labels = groups.agg({**dict.fromkeys(VERDICT, "first"), "rows": "sum", "confidence": "sum"})
    labels["confidence"] = labels["confidence"] / labels["rows"]
    order = ["cell", "rows", "confidence", "label_code"]
    labels = labels.sort_values(order, ascending=[True, False, False, True], kind="stable")
    return labels.drop_duplicates("cell").set_index("cell")
