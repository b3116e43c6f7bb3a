"""Daily series of shares: of the targets decided on a day, how many are blocked."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from gatewatch_analysis.tables import VANTAGE, Series

#: Into what the targets are divided.
Division = Literal["all", "layer", "category", "host"]

_DECIDED = ("ok", "tampered", "server_side", "blocked")
_NO_CATEGORY = "none"


def series(measurements: pd.DataFrame, by: Division = "all") -> pd.DataFrame:
    """Count targets per ISP, subject and day (table ``Series``).

    A target that is measured ten times on a day is one trial, and a hit when most of those measurements find
    it blocked.  Divided by layer, every layer has the same trials, and its own hits.
    """
    decided = measurements[measurements["status"].isin(_DECIDED) & measurements["start"].notna()]
    if decided.empty:
        return Series.frame([])
    cell = [*VANTAGE, "day", "input"]
    table = decided.assign(
        day=decided["start"].dt.floor("D"),
        blocked=(decided["status"] == "blocked").astype("int64"),
        category=decided["category"].fillna(_NO_CATEGORY),
    )
    targets = table.groupby(cell, as_index=False, dropna=False).agg(
        blocked=("blocked", "mean"), category=("category", "first"), host=("host", "first")
    )
    targets = targets.assign(hits=(targets["blocked"] > 0.5).astype("int64"), trials=1)
    if by == "layer":
        return _by_layer(table, targets, cell)
    subject = targets[by] if by != "all" else "all"
    targets = targets.assign(subject=subject)
    keys = [*VANTAGE, "subject", "day"]
    return Series.typed(targets.groupby(keys, as_index=False, dropna=False)[["hits", "trials"]].sum())


def _by_layer(table: pd.DataFrame, targets: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    keys = [*VANTAGE, "day"]
    trials = targets.groupby(keys, as_index=False)["trials"].sum()
    hit = targets.loc[targets["hits"] == 1, cell]
    blocked = table[table["status"] == "blocked"].merge(hit, on=cell)
    # A target cut on two layers in one day is counted for the commoner one.
    layers = (
        blocked.groupby([*cell, "layer"], as_index=False)
        .size()
        .sort_values("size", ascending=False, kind="stable")
        .drop_duplicates(cell)
    )
    names = pd.DataFrame({"subject": sorted(layers["layer"].unique())}, dtype="string")
    counted = layers.groupby([*keys, "layer"], as_index=False).size()
    counted = counted.rename(columns={"layer": "subject", "size": "hits"})
    # Days without a hit count as well: a series of hits alone has no zero.
    whole = trials.merge(names, how="cross").merge(counted, on=[*keys, "subject"], how="left")
    return Series.typed(whole.assign(hits=whole["hits"].fillna(0)).sort_values([*VANTAGE, "subject", "day"]))
