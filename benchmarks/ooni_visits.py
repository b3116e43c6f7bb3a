"""A visit of a site, whatever its record looks like: who made it, the hops, and what the control said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Lookup:
    """What one resolver said: addresses, or a failure."""

    addresses: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(slots=True)
class Page:
    """A response; ``location`` of a redirect."""

    code: int
    headers: dict[str, str]
    body: str = ""
    truncated: bool = False


@dataclass(slots=True)
class Hop:
    """What happened on the way to one URL.

    ``tcp``, ``tls``: failure by address, for those that were tried.  ``fetched``: the address asked, then the
    request's failure and its page, None where no request was made.
    """

    url: str
    host: str
    port: int
    system: Lookup
    others: Lookup
    tcp: dict[str, str | None] = field(default_factory=dict)
    tls: dict[str, str | None] = field(default_factory=dict)
    fetched: tuple[str, str | None, Page | None] | None = None


@dataclass(slots=True)
class Visit:
    """One measurement: who measured, the hops, the control, and what OONI concluded."""

    input: str
    hops: list[Hop]
    control: dict[str, Any] | None
    control_failure: str | None
    keys: dict[str, Any]
    country: str
    asn: int
    network: str
    start: str
    asns: dict[str, int] = field(default_factory=dict)


def endpoint(address: str, port: int) -> str:
    """Write ``address:port``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
