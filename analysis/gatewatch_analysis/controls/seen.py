"""What one vantage saw of a site, in the words in which a test helper says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewatch.net.address import endpoint, is_bogon
from gatewatch.records import Measurement, Transaction
from gatewatch.records.control import BY_HELPER, VALID, Json, answer, connected, fetched, not_fetched, shaken
from gatewatch.verdict.evidence.hops import Hop, address_of, headers_of, hops, host_label

_SYSTEM = frozenset({"getaddrinfo", "system", "golang_net_resolver", "go"})


def as_control(m: Measurement) -> Json | None:
    """Give a measurement's own answers as a helper's response to another's question; None if it has none.

    Only what was seen at the input's own host counts for names and connections, and what the last redirect
    led to for the page, as with a helper.  Where an address proved itself by its certificate, only such
    addresses are the site's.
    """
    way = hops(m)
    first = way[0]
    if not first.looked:
        return None
    tcp = {
        endpoint(connect.ip, connect.port): connected(connect.status.failure if connect.status else "failed")
        for connect in first.connects
        if connect.ip and connect.port
    }
    tls = {
        handshake.address: shaken(handshake.server_name or "", handshake.failure)
        for handshake in first.handshakes
        if handshake.address and handshake.network != "udp"
    }
    valid = {
        address_of(handshake.address)
        for handshake in first.handshakes
        if handshake.failure is None
        and not handshake.no_tls_verify
        and host_label(handshake.server_name or "") == first.place.host
    }
    addresses, failure, asns = _names(first)
    addresses = [a for a in addresses if a in valid] or addresses
    return answer(
        names=(addresses, None if addresses else failure),
        flags={a: BY_HELPER | (VALID if a in valid else 0) for a in (*addresses, *valid)},
        asns=asns,
        tcp=tcp,
        tls=tls,
        http=_page(way),
    )


def _names(hop: Hop) -> tuple[list[str], str | None, Mapping[str, int]]:
    """Give the addresses, none that no public name can have; the failure; and the networks it has noted."""
    asked = [q for q in hop.queries if q.engine in _SYSTEM and not q.x_gatewatch_late]
    found: dict[str, int] = {}
    for query in asked or hop.queries:
        for row in query.answers or ():
            for address in (row.ipv4, row.ipv6):
                if address and not is_bogon(address):
                    found.setdefault(address, row.asn or 0)
    if hop.place.literal:
        found.setdefault(hop.place.host, 0)
    failure = next((q.failure for q in asked or hop.queries if q.failure), None)
    return list(found), failure, found


def _page(way: Sequence[Hop]) -> Json:
    transactions = way[-1].transactions
    came = next((t for t in transactions if t.failure is None and t.response and t.response.code), None)
    if came is None:
        return not_fetched(_failure(way))
    return _shown(came)


def _shown(transaction: Transaction) -> Json:
    response = transaction.response
    assert response is not None
    body = response.body or b""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    headers = [(str(name), str(value)) for name, value in headers_of(transaction).items()]
    page = fetched(response.code or 0, headers, raw)
    if response.body_is_truncated:
        page["body_length"] = -1
    return page


def _failure(way: Sequence[Hop]) -> str:
    """Give the failure that kept the page away, of the step that came last."""
    last: list[Any] = [t.failure for t in way[-1].transactions]
    last += [h.failure for h in way[-1].handshakes]
    last += [c.status.failure if c.status else None for c in way[-1].connects]
    last += [q.failure for q in way[-1].queries]
    return next((failure for failure in last if failure), "unknown_failure")
