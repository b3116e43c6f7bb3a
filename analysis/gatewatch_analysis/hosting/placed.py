"""Where a country's services are hosted, period by period: addresses, placements, shares and moves.

An address counts as a service's where a certificate valid for its name was shown there; only for services
and periods without any does the name's answer alone.  A forged answer shows no valid certificate, so a
blocked site is not thought to have moved to the censor's.

A prefix's country is a listing, not a measurement, and a content network's address tells nothing of a place:
those are counted apart, and the share inside is bounded by either belief.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from gatewatch.net.address import is_bogon
from gatewatch_analysis.hosting.content import CONTENT
from gatewatch_analysis.hosting.services import of_names
from gatewatch_analysis.prefixes import PrefixTable, Whereabouts, whose
from gatewatch_analysis.statistics import wilsons
from gatewatch_analysis.tables import Hosting, Moves, Placements, ServiceAddresses
from gatewatch_analysis.tables.observations import ANSWER, CONNECT, HANDSHAKE

Period = Literal["day", "week", "month"]

#: Which observations tell, and what of them: for whoever loads them.
KINDS = (ANSWER, CONNECT, HANDSHAKE)
COLUMNS = (
    *("country", "lab", "measurement", "start", "kind", "control", "failure"),
    *("hostname", "address", "verified", "t0_s", "t_s", "transaction"),
)
INSIDE, ABROAD, BOTH, ANYWHERE, UNKNOWN = "inside", "abroad", "both", "content network", "not known"

_SERVICE = ["country", "lab", "domain", "government"]


def addresses(
    observations: pd.DataFrame,
    tables: Whereabouts | None = None,
    *,
    by: Period = "month",
    services: Collection[str] | None = None,
) -> pd.DataFrame:
    """List the addresses of each service and period (table ``ServiceAddresses``).

    ``services`` are host names; without them, all under the top-level domain of the vantages' country.
    """
    seen = observations[
        ~observations["control"].fillna(False)
        & observations["kind"].isin(KINDS)
        & observations["start"].notna()
        & observations["failure"].isna()
        & observations["address"].notna()
    ]
    rows = seen[["country", "lab", "measurement", "start", "kind", "hostname", "verified"]].assign(
        address=seen["address"].astype("string"),
        domain=seen["hostname"].astype("string").str.lower().str.rstrip("."),
        ms=(seen["t_s"] - seen["t0_s"]).where(seen["kind"] == CONNECT) * 1000,
    )
    rows["country"] = rows["country"].astype("string")
    # A connection names an address only; its time is that of the address.
    times = rows[rows["ms"].notna()].groupby(["country", "lab", "address"])["ms"].min()
    rows = rows[rows["domain"].notna() & (rows["kind"] != CONNECT)]
    domestic, government = of_names(rows["domain"], rows["country"])
    chosen = domestic if services is None else rows["domain"].isin([s.lower() for s in services])
    rows = rows.assign(government=government)[chosen]
    honest = {a: not is_bogon(a) for a in rows["address"].unique()}
    rows = rows[rows["address"].map(honest).astype(bool)]
    if rows.empty:
        return ServiceAddresses.frame([])
    rows = rows.assign(
        period=_period(rows["start"], by),
        proven=(rows["kind"] == HANDSHAKE) & rows["verified"].fillna(True).astype(bool),
    )
    cell = [*_SERVICE, "period"]
    table = rows.groupby([*cell, "address"], as_index=False).agg(
        proven=("proven", "any"), measurements=("measurement", "nunique")
    )
    some = table.groupby(cell)["proven"].transform("any")
    table = table[table["proven"] | ~some].reset_index(drop=True)
    known = whose(table["address"], tables or PrefixTable(()))
    listed = known["country"].astype("string")
    caveat = known["asn"].map(CONTENT).astype("string")
    where = np.where(
        listed.isna(), UNKNOWN, np.where((listed == table["country"]).fillna(False), INSIDE, ABROAD)
    )
    keys = pd.MultiIndex.from_frame(table[["country", "lab", "address"]])
    return ServiceAddresses.typed(
        table.assign(
            asn=known["asn"],
            network=known["name"],
            listed=listed,
            least_ms=times.reindex(keys).to_numpy(),
            place=np.where(caveat.notna(), ANYWHERE, where),
            caveat=caveat,
        )
    )


def _period(start: pd.Series[Any], by: Period) -> pd.Series[Any]:
    day: pd.Series[Any] = start.dt.floor("D")
    if by == "day":
        return day
    back = day.dt.day_of_week if by == "week" else day.dt.day - 1
    first: pd.Series[Any] = day - pd.to_timedelta(back, unit="D")
    return first


def placements(found: pd.DataFrame) -> pd.DataFrame:
    """Say where each service was in each period (table ``Placements``), from ``addresses``."""
    rows: list[tuple[Any, ...]] = []
    for keys, mine in found.groupby([*_SERVICE, "period"], sort=True):
        places = set(mine["place"]) - {UNKNOWN}
        if not places:
            place = UNKNOWN
        elif len(places) == 1:
            place = next(iter(places))
        else:
            # Beside an origin that is known, a content network is a front of it.
            origins = places - {ANYWHERE}
            place = BOTH if len(origins) > 1 else ANYWHERE
        networks = mine["network"].fillna("AS" + mine["asn"].astype("string")).dropna()
        caveats = sorted(set(mine["caveat"].dropna()))
        rows.append(
            (
                *keys,
                *(place, len(mine), bool(mine["proven"].all())),
                *(", ".join(sorted(set(networks))), ", ".join(caveats) or None),
            )
        )
    return Placements.frame(rows)


def hosting(placed: pd.DataFrame) -> pd.DataFrame:
    """Count the services by place and period (table ``Hosting``), from ``placements``."""
    if placed.empty:
        return Hosting.frame([])
    groups = placed["government"].map({True: "government", False: "others"})
    both = pd.concat([placed.assign(services=groups), placed.assign(services="all")])
    ones = both[["country", "lab", "services", "period"]].assign(
        counted=1,
        **{
            name: (both["place"] == place).astype("int64")
            for name, place in (
                *(("inside", INSIDE), ("abroad", ABROAD), ("both", BOTH)),
                *(("content", ANYWHERE), ("unknown", UNKNOWN)),
            )
        },
    )
    sums = ones.groupby(["country", "lab", "services", "period"], as_index=False).sum()
    known = (sums["inside"] + sums["abroad"] + sums["both"]).to_numpy(float)
    inside, content = sums["inside"].to_numpy(float), sums["content"].to_numpy(float)
    low, high = wilsons(inside, known)

    def share(of: Any, all_of: Any) -> Any:
        return pd.Series(np.where(all_of > 0, of / np.maximum(all_of, 1), np.nan)).astype("Float64")

    return Hosting.typed(
        sums.assign(
            inside_share=share(inside, known),
            inside_low=low,
            inside_high=high,
            least_share=share(inside, known + content),
            most_share=share(inside + content, known + content),
        )
    )


def _changed(places: pd.Series[Any]) -> pd.Series[int]:
    return (places != places.shift()).fillna(True).astype("int64")


def moves(placed: pd.DataFrame) -> pd.DataFrame:
    """List the services whose place changed (table ``Moves``), from ``placements``.

    Periods without a known place are passed over.  One period at another place may be a visit, not a move:
    how many in a row were seen on both sides is told.
    """
    rows: list[tuple[Any, ...]] = []
    known = placed[placed["place"] != UNKNOWN].sort_values("period", kind="stable")
    for keys, mine in known.groupby(_SERVICE, sort=True):
        spells = [spell for _, spell in mine.groupby(_changed(mine["place"]).cumsum())]
        for one, other in pairwise(spells):
            a, b = one.iloc[-1], other.iloc[0]
            rows.append(
                (
                    *keys,
                    *(a["place"], b["place"], a["period"], b["period"], len(one), len(other)),
                    *(a["networks"], b["networks"]),
                )
            )
    return Moves.frame(rows)
