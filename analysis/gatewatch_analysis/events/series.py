"""Daily series of shares: of the targets decided on a day, how many are blocked."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from gatewatch_analysis.blocking.repeats import DECIDED
from gatewatch_analysis.tables import VANTAGE, Series, TargetDays

#: Into what the targets are divided.
Division = Literal["all", "layer", "category", "host"]

_NO_CATEGORY = "none"


def series(measurements: pd.DataFrame, by: Division = "all") -> pd.DataFrame:
    """Count targets per ISP, subject and day (table ``Series``), as :func:`by_target` finds them."""
    return counted(by_target(measurements, by))


def by_target(measurements: pd.DataFrame, by: Division = "all") -> pd.DataFrame:
    """Say of each target, ISP and day whether it was blocked (table ``TargetDays``).

    A target that is measured ten times on a day is one trial, and a hit when most of those measurements find
    it blocked.  Divided by layer, it is a trial of every layer, and a hit of the commonest.
    """
    decided = measurements[measurements["status"].isin(DECIDED) & measurements["start"].notna()]
    if decided.empty:
        return TargetDays.frame([])
    cell = [*VANTAGE, "day", "input"]
    table = decided.assign(
        day=decided["start"].dt.floor("D"),
        blocked=(decided["status"] == "blocked").astype("int64"),
        category=decided["category"].fillna(_NO_CATEGORY),
        host=decided["host"].fillna(decided["input"]),
    )
    targets = table.groupby(cell, as_index=False, dropna=False).agg(
        blocked=("blocked", "mean"), category=("category", "first"), host=("host", "first")
    )
    hit = targets["blocked"] > 0.5
    if by == "layer":
        layers = _layers(table, cell)
        found = targets.merge(layers.rename(columns={"layer": "hit"}), how="left", on=cell)
        every = pd.Series(pd.NA, found.index, dtype="string")
        return TargetDays.typed(found.assign(of=every, hit=found["hit"].where(hit)))
    of = pd.Series("all", targets.index, dtype="string") if by == "all" else targets[by].astype("string")
    return TargetDays.typed(targets.assign(of=of, hit=of.where(hit)))


def _layers(table: pd.DataFrame, cell: list[str]) -> pd.DataFrame:
    """Give the layer on which each target was blocked on a day: the commoner one, where there are two."""
    blocked = table[table["status"] == "blocked"]
    sizes = blocked.groupby([*cell, "layer"], as_index=False, dropna=False).size()
    ordered = sizes.sort_values("size", ascending=False, kind="stable")
    return ordered.drop_duplicates(cell)[[*cell, "layer"]]


def counted(targets: pd.DataFrame) -> pd.DataFrame:
    """Count targets per ISP, subject and day (table ``Series``), from the table ``TargetDays``."""
    if targets.empty:
        return Series.frame([])
    keys = [*VANTAGE, "day"]
    hits = targets[targets["hit"].notna()].groupby([*keys, "hit"], as_index=False).size()
    hits = hits.rename(columns={"hit": "subject", "size": "hits"})
    # Days without a hit count as well: a series of hits alone has no zero.
    own = targets[targets["of"].notna()].groupby([*keys, "of"], as_index=False).size()
    every = targets[targets["of"].isna()].groupby(keys, as_index=False).size()
    names = pd.DataFrame({"subject": sorted(hits["subject"].unique())}, dtype="string")
    trials = pd.concat([own.rename(columns={"of": "subject"}), every.merge(names, how="cross")])
    whole = trials.rename(columns={"size": "trials"}).merge(hits, on=[*keys, "subject"], how="left")
    return Series.typed(whole.assign(hits=whole["hits"].fillna(0)).sort_values([*VANTAGE, "subject", "day"]))
