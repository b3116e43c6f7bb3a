"""What is blocked: by ISP, by layer and method, by category, and the matrix of ISPs and targets.

Everything is counted in targets, not in measurements: repeating a measurement makes no second blocked site,
and an interval over repeats would claim a certainty that is not there.  So the measurements of a target on
an ISP become one verdict first (:func:`matrix`).  Each function takes the measurements, or that matrix, and
gives a table of :mod:`gatewatch_analysis.tables`.
"""

from __future__ import annotations

import pandas as pd

from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import VANTAGE, ByCategory, ByIsp, ByLayer, Dead, Table, Verdicts

#: Repeats that contradict one another as often as not decide nothing.
DISAGREE = "inconclusive(repeats_disagree)"

# What a site that no longer exists gives as well: its name is gone, or nobody answers at its address.  A
# forged address, a block page, or a reset after the server has answered are no signs of death.
_LIKE_DEATH = frozenset({"dns.nxdomain", "dns.timeout", "tcp.refused", "tcp.timeout"})
# "Everywhere" needs more than one place.
_MIN_ISPS = 2
# The server was reached, whatever it then said.
_ALIVE = ("ok", "tampered", "server_side")
# The verdicts that tell whether the path lets a target through.  A site that is down tells nothing of it.
_DECIDED = (*_ALIVE, "blocked")
_NO_CATEGORY = "none"
# Tests that ask for a page, or for a step on the way to it.
_PAGES = ("web_connectivity", "resolve", "connect", "handshake", "fetch")


def matrix(measurements: pd.DataFrame) -> pd.DataFrame:
    """Give one verdict per ISP and target (table ``Verdicts``).

    The commonest status among the repeats that are not inconclusive, and within it the commonest label (the
    more confident one of two that are equally common).  Statuses that tie give ``DISAGREE``.
    """
    judged = measurements[measurements["status"].notna()]
    if judged.empty:
        return Verdicts.frame([])
    judged = judged.assign(input=_asked(judged))
    cell = [*VANTAGE, "input"]
    decided = judged["status"] != "inconclusive"
    # Inconclusive repeats speak only where there are no others.
    speaks = decided | ~decided.groupby([judged[k] for k in cell]).transform("any")
    heard = judged[speaks]
    by_status = heard.groupby([*cell, "status"], as_index=False).size()
    most = by_status.groupby(cell)["size"].transform("max")
    top = by_status[by_status["size"] == most]
    tied = top.duplicated(cell, keep=False)
    chosen = heard.merge(top[~tied][[*cell, "status"]], on=[*cell, "status"])
    by_label = (
        chosen.sort_values(["confidence", "rule"], ascending=[False, True], kind="stable")
        .groupby([*cell, "label"], as_index=False, dropna=False)
        .agg(
            status=("status", "first"),
            layer=("layer", "first"),
            method=("method", "first"),
            rule=("rule", "first"),
            confidence=("confidence", "mean"),
            agree=("label", "size"),
        )
        .sort_values(["agree", "confidence", "label"], ascending=[False, False, True], kind="stable")
        .drop_duplicates(cell)
    )
    contradicted = (
        top[tied]
        .drop_duplicates(cell)[cell]
        .assign(label=DISAGREE, status="inconclusive", agree=0)
        .reindex(columns=by_label.columns)
        .astype(by_label.dtypes.to_dict())  # so that joining the two changes no type
    )
    cells = pd.concat([by_label, contradicted], ignore_index=True)
    about = judged.groupby(cell, as_index=False).agg(
        host=("host", "first"), category=("category", "first"), repeats=("input", "size")
    )
    whole = cells.merge(about, on=cell).assign(dead=False).sort_values(cell, kind="stable")
    dead = everywhere_down(Verdicts.typed(whole))
    gone = pd.MultiIndex.from_frame(dead[["lab", "input"]])
    there = pd.MultiIndex.from_frame(whole[["lab", "input"]])
    return Verdicts.typed(whole.assign(dead=there.isin(gone)))


def _asked(measurements: pd.DataFrame) -> pd.Series[str]:
    """Say what was asked: an app, or QUIC to a site, is another question than its web page, and no repeat."""
    page = measurements["test_name"].isin(_PAGES)
    return measurements["input"].where(page, measurements["input"] + " [" + measurements["test_name"] + "]")


def everywhere_down(measurements: pd.DataFrame) -> pd.DataFrame:
    """List the targets that are dead on every ISP, and so not censored (table ``Dead``).

    Dead is what two ISPs or more have tested and none has reached, what at least as many ISPs found down as
    blocked, and blocked only in ways that a dead site looks like.  A site blocked everywhere while the
    control reaches it is not dead.
    """
    cells = _cells(measurements)
    way = cells["layer"].str.cat(cells["method"], sep=".")
    blocked = cells["status"] == "blocked"
    marks = cells[["lab", "input"]].assign(
        isps=1,
        down=(cells["status"] == "down").astype("int64"),
        blocked=(blocked & way.isin(list(_LIKE_DEATH))).astype("int64"),
        alive=(cells["status"].isin(_ALIVE) | (blocked & ~way.isin(list(_LIKE_DEATH)))).astype("int64"),
    )
    sums = marks.groupby(["lab", "input"], as_index=False).sum()
    dead = (
        (sums["isps"] >= _MIN_ISPS)
        & (sums["alive"] == 0)
        & (sums["down"] >= 1)
        & (sums["down"] >= sums["blocked"])
    )
    return Dead.typed(sums[dead])


def by_isp(measurements: pd.DataFrame) -> pd.DataFrame:
    """Count the targets of each ISP by verdict, with the share blocked (table ``ByIsp``)."""
    cells = _cells(measurements)
    status = cells["status"].mask(cells["dead"], "down")
    counts = cells[VANTAGE].assign(
        measurements=cells["repeats"],
        measured=1,
        decided=status.isin(_DECIDED).astype("int64"),
        **{
            name: (status == name).astype("int64")
            for name in ("ok", "blocked", "tampered", "down", "server_side", "inconclusive")
        },
    )
    return _with_share(counts.groupby(VANTAGE, as_index=False).sum(), ByIsp)


def by_layer(measurements: pd.DataFrame) -> pd.DataFrame:
    """Count the targets blocked on each ISP by layer and method (table ``ByLayer``)."""
    cells = _cells(measurements)
    blocked = cells[(cells["status"] == "blocked") & ~cells["dead"]]
    sizes = blocked.groupby([*VANTAGE, "layer", "method"], as_index=False, dropna=False).size()
    counts = sizes.rename(columns={"size": "targets"})
    whole = counts.groupby(VANTAGE)["targets"].transform("sum")
    counts = counts.assign(share=counts["targets"] / whole)
    order = [*VANTAGE, "targets", "layer", "method"]
    return ByLayer.typed(counts.sort_values(order, ascending=[True] * 4 + [False, True, True]))


def by_category(measurements: pd.DataFrame) -> pd.DataFrame:
    """Count the targets of each ISP by category (table ``ByCategory``)."""
    cells = _cells(measurements)
    status = cells["status"].mask(cells["dead"], "down")
    counts = cells[VANTAGE].assign(
        category=cells["category"].fillna(_NO_CATEGORY),
        measured=1,
        decided=status.isin(_DECIDED).astype("int64"),
        blocked=(status == "blocked").astype("int64"),
    )
    return _with_share(counts.groupby([*VANTAGE, "category"], as_index=False).sum(), ByCategory)


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if "dead" in frame.columns else matrix(frame)


def _with_share(counts: pd.DataFrame, table: type[Table]) -> pd.DataFrame:
    """Add the blocked share and its interval; the share of nothing decided is missing."""
    ends = [wilson(int(b), int(d)) for b, d in zip(counts["blocked"], counts["decided"], strict=True)]
    decided = counts["decided"].astype("Float64")
    return table.typed(
        counts.assign(
            share=counts["blocked"].astype("Float64") / decided.where(decided > 0),
            low=[low for low, _ in ends],
            high=[high for _, high in ends],
        )
    )
