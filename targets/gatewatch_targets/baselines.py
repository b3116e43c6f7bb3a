"""How one order was carried out before any gateway: by other means on every network.

This is what a gateway would change.  The same host, ordered off everywhere, met seven methods on fourteen
Cambodian networks; one gate would leave one method, on one hop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .dates import Span, parse_span
from .model import Confidence, Network
from .reference import networks, table_rows
from .rows import Row
from .text import quote

_COLUMNS = "id,asn,host,from,to,methods,confidence,source,note"
_CONFIDENCES: tuple[Confidence, ...] = ("high", "medium", "low")
#: The methods' words (docs/verdicts.md); a test compares them with the verdicts' own.
METHODS = (
    "dns.nxdomain", "dns.bogon", "dns.redirect", "dns.injected", "dns.timeout", "tcp.refused", "tcp.reset",
    "tcp.timeout", "tls.reset", "tls.eof", "tls.timeout", "http.blockpage", "http.reset", "http.timeout",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was seen of one host on one network in a time past.

    ``methods``: how it was blocked, the commonest first; empty where it was measured and not blocked.
    ``first`` and ``last``: the period's ends.
    """

    id: str
    network: Network
    host: str
    first: Span
    last: Span
    methods: tuple[str, ...]
    confidence: Confidence
    source: str
    note: str


@lru_cache(maxsize=1)
def baselines() -> tuple[Baseline, ...]:
    """Give all of them, by country and host; raises :class:`~gatewatch_targets.rows.DataError`."""
    return tuple(map(_baseline, table_rows("baselines.csv", _COLUMNS)))


def _baseline(row: Row) -> Baseline:
    network = next((each for each in networks() if each.asn == row.number("asn")), None)
    if network is None:
        raise row.error("asn", f"{row.number('asn')} is not in networks.csv")
    row.text("methods")
    methods = () if row.text("methods") == "none" else row.words("methods")
    for method in methods:
        if method not in METHODS:
            raise row.error("methods", f"{quote(method)} is not one of {', '.join(METHODS)}")
    first, last = _span(row, "from"), _span(row, "to")
    if last.last < first.first:
        raise row.error("to", f"{last} is before {first}")
    return Baseline(
        id=row.text("id"),
        network=network,
        host=row.text("host"),
        first=first,
        last=last,
        methods=methods,
        confidence=row.choice("confidence", _CONFIDENCES),
        source=row.text("source"),
        note=row.text("note", ""),
    )


def _span(row: Row, field: str) -> Span:
    try:
        return parse_span(row.text(field))
    except ValueError as error:
        raise row.error(field, str(error)) from None
