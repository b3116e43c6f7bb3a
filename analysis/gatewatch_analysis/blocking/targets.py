"""What is blocked: by ISP, by layer and method, by category, and the matrix of ISPs and targets.

Everything is counted in targets, not in measurements: repeating a measurement makes no second blocked site,
and an interval over repeats would claim a certainty that is not there.  So the measurements of a target on
an ISP become one verdict first (:func:`matrix`).  Each function takes the measurements, or that matrix, and
gives a table of :mod:`gatewatch_analysis.tables`.
"""

from __future__ import annotations

import pandas as pd

from gatewatch_analysis.blocking.repeats import ALIVE, DECIDED, asked, settle
from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import VANTAGE, ByCategory, ByIsp, ByLayer, Dead, Table, Verdicts

#: What a site that no longer exists gives as well: its name is gone, or nobody answers at its address.  A
# forged address, a block page, or a reset after the server has answered are no signs of death.
LIKE_DEATH = frozenset({"dns.nxdomain", "dns.timeout", "tcp.refused", "tcp.timeout"})
#: What a server that refuses a whole country gives as well, or whoever hosts it: a control abroad does not
#: see that, and it is alike on every ISP.  No server tells a lie about its name.
LIKE_REFUSAL = frozenset(
    {
        *("tcp.refused", "tcp.reset", "tcp.timeout", "tls.reset", "tls.eof", "tls.timeout"),
        *("http.reset", "http.eof", "http.timeout", "quic.timeout"),
    }
)
#: "Everywhere" needs more than one place.
MIN_ISPS = 2
_NO_CATEGORY = "none"


def matrix(measurements: pd.DataFrame) -> pd.DataFrame:
    """Give one verdict per ISP and target (table ``Verdicts``), as :func:`repeats.settle` finds it."""
    judged = measurements[measurements["status"].notna()]
    if judged.empty:
        return Verdicts.frame([])
    judged = judged.assign(input=asked(judged))
    cell = [*VANTAGE, "input"]
    about = judged.groupby(cell, as_index=False, observed=True)[["host", "category"]].first()
    whole = settle(judged, cell).astype(dict.fromkeys(("country", "isp", "input"), "string"))
    whole = whole.merge(about, on=cell).assign(dead=False)
    dead = everywhere_down(Verdicts.typed(whole))
    gone = pd.MultiIndex.from_frame(dead[["lab", "input"]])
    there = pd.MultiIndex.from_frame(whole[["lab", "input"]])
    return Verdicts.typed(whole.assign(dead=there.isin(gone)))


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
        blocked=(blocked & way.isin(list(LIKE_DEATH))).astype("int64"),
        alive=(cells["status"].isin(ALIVE) | (blocked & ~way.isin(list(LIKE_DEATH)))).astype("int64"),
    )
    sums = marks.groupby(["lab", "input"], as_index=False).sum()
    dead = (
        (sums["isps"] >= MIN_ISPS)
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
        decided=status.isin(DECIDED).astype("int64"),
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
        decided=status.isin(DECIDED).astype("int64"),
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
