"""Vantages of traces that tell none: RIPE Atlas' and scamper's results name a probe, not its network.

The first router whose prefix is known is nearly always the provider's own, so its network and the country it
is listed under stand for the vantage.  Where the provider's routers all stay silent it is somebody else's,
and the path is taken to begin there: to be read with care.
"""

from __future__ import annotations

import pandas as pd

from gatewatch_analysis.paths.routes import whose
from gatewatch_analysis.prefixes import Whereabouts

#: The country of a vantage that is not known.
UNKNOWN = "ZZ"


def placed(hops: pd.DataFrame, prefixes: Whereabouts) -> pd.DataFrame:
    """Give the hops with a vantage for every trace of which the first hops tell one (table ``Hops``)."""
    lost = hops[hops["country"].eq(UNKNOWN) & hops["address"].notna()]
    if lost.empty:
        return hops
    found: dict[tuple[str, int], tuple[str, str, int]] = {}
    ordered = lost.sort_values(["run", "trace", "ttl"], kind="stable")
    for run, trace, address in ordered[["run", "trace", "address"]].itertuples(index=False, name=None):
        if (run, trace) in found:
            continue
        prefix = whose(address, prefixes)
        if prefix is not None and prefix.asn and prefix.country and not prefix.ixp:
            found[run, trace] = (prefix.country, prefix.name or f"AS{prefix.asn}", prefix.asn)
    result = hops.copy()
    keys = pd.MultiIndex.from_frame(hops[["run", "trace"]])
    told = hops["country"].eq(UNKNOWN).to_numpy() & keys.isin(list(found))
    own = [found[key] for key in keys[told]]
    for column, values in zip(("country", "isp", "asn"), zip(*own, strict=True), strict=False):
        result.loc[told, column] = list(values)
    return result
