"""The same name sent to a server inside the country and to one abroad: the record of ``contrast``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastEnd:
    """A server that has nothing to do with the site."""

    place: str = doc("home (in the country, in another provider's network) or abroad")
    host: str = doc("the name that it was looked up by")
    address: str = doc("its address")
    asn: int = doc("AS that announces the address, by the table of prefixes; 0 where unknown", 0)
    country: str = doc("country that its prefix is listed under; empty where unknown", "")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastTrial:
    """One exchange with such a server."""

    method: str = doc("tls (the name as SNI), http (as Host) or dns (a question to port 53)")
    place: str = doc("home or abroad")
    address: str = doc("address of the server")
    name: str = doc("the name sent")
    control: bool = doc("whether that is an innocuous one")
    outcome: str = doc(
        "answered (dns: answered where no resolver is), silent (dns: as it should be), reset, eof, timeout, "
        "page (short, and unlike what two innocuous names get), differs (unlike that in other ways), "
        "refused, unreachable, failed, no_connection"
    )
    status: int = doc("http: status code, 0 for none", 0)
    transaction_id: int = doc("joins it to the records of the exchange", 0)
    t: float | None = doc("when it ended", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """``x_gatewatch_contrast``: the two servers and every exchange, in order; what it comes to is judged."""

    ends: tuple[ContrastEnd, ...] = doc("the servers, at most one at home and one abroad", ())
    trials: tuple[ContrastTrial, ...] = doc("the exchanges, in order", ())
    reason: str = doc(
        "why less was tried: no_table (nobody says whose addresses are), no_vantage (this line's country or "
        "AS number is not known), no_home, no_abroad (no such server answers), stopped; empty where all was",
        "",
    )
    extra: Mapping[str, Any] = extra()
