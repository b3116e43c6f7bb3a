"""Hops of a few traces written by hand, and a table of prefixes, for the tests of cables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from ipaddress import ip_network
from typing import Any

import pandas as pd

from gatewatch_analysis.cables import Knowledge, Priors
from gatewatch_analysis.cables.overview import Judged, judge
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.tables import Hops

TODAY = date(2026, 11, 24)
SITE = "104.16.1.1"
HKG, SIN = "hu-0-0-0-1.clbr02.hkg04.pccwbtn.net", "100ge10-1.core1.sin1.he.net"
TABLE = PrefixTable(
    Prefix(ip_network(network), asn, country, f"AS{asn}", ixp)
    for network, asn, country, ixp in [
        ("36.37.128.0/17", 38623, "KH", ""),  # Metfone
        ("103.5.24.0/22", 45498, "KH", ""),  # Smart
        ("110.164.0.0/16", 9931, "TH", ""),  # CAT
        ("27.34.0.0/16", 17501, "NP", ""),  # WorldLink
        ("63.216.0.0/13", 3491, "HK", ""),  # PCCW
        ("184.104.0.0/15", 6939, "US", ""),  # Hurricane Electric
        ("59.43.0.0/16", 23764, "CN", ""),  # China Telecom Global
        ("113.160.0.0/11", 7552, "VN", ""),  # Viettel
        ("182.79.0.0/16", 9498, "IN", ""),  # Airtel
        ("27.111.228.0/22", 0, "SG", "Equinix Singapore"),
        ("104.16.0.0/13", 13335, "US", ""),
    ]
)
HOME, LAST = "36.37.128.1", "36.37.130.1"
PCCW, PCCW2, HE, HE2 = "63.218.1.1", "63.218.2.1", "184.105.1.1", "184.105.2.1"
CTG, CTG2, VIETTEL, VIETTEL2, CAT, CAT2 = (
    "59.43.1.1", "59.43.2.1", "113.160.1.1", "113.160.2.1", "110.164.1.1", "110.164.2.1",
)  # fmt: skip

# Address, time, and by name what else the hop tells.
Line = tuple[str | None, float | None] | tuple[str | None, float | None, dict[str, Any]]


def traced(
    path: Sequence[Line],
    day: str | None = "2024-06-01",
    *,
    number: int = 0,
    isp: tuple[str, str, int] = ("KH", "Metfone", 38623),
    destination: str = SITE,
) -> pd.DataFrame:
    """Give the hops of one trace."""
    start = pd.Timestamp(day, tz="UTC") if day else None
    country, name, asn = isp
    rows = []
    for ttl, (address, rtt, *more) in enumerate(path, 1):
        own = {
            "country": country, "isp": name, "asn": asn, "lab": False, "run": "r", "trace": number,
            "start": start, "destination": destination, "flow": "udp 1 2", "ttl": ttl, "address": address,
            "rtt_ms": rtt,
            "icmp_type": 11, "icmp_code": 0, "reached": True, **(more[0] if more else {}),
        }  # fmt: skip
        rows.append([own.get(column) for column in Hops.columns()])
    return Hops.frame(rows)


def judged(*traces: pd.DataFrame, knowledge: Knowledge | None = None) -> list[Judged]:
    """Judge the crossings of some traces."""
    hops = pd.concat(traces, ignore_index=True)
    return judge(hops, TABLE, knowledge or Knowledge.own(), TODAY, Priors())


def to(far: Sequence[Line], *, home: float = 3.0) -> list[Line]:
    """Give a path out of Metfone, by some routers abroad, to the site."""
    last = max((line[1] or 0.0) for line in far)
    return [("192.168.1.1", 0.5), (HOME, 2.0), (LAST, home), *far, (SITE, last + 40)]


def weights(item: Judged) -> dict[str, float]:
    """Give the candidates' weights by id."""
    return {candidate.id: candidate.weight for candidate in item.candidates}
