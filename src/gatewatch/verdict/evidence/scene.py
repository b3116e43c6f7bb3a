"""One hop with all that is needed to weigh it: the control, the line, the addresses to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewatch.net.address import is_bogon
from gatewatch.records import Measurement, Query
from gatewatch.verdict.evidence.control import Control
from gatewatch.verdict.evidence.hops import Hop, address_of, host_label

SYSTEM = frozenset({"getaddrinfo", "system", "golang_net_resolver", "go"})
ENCRYPTED = frozenset({"doh", "dot", "doq", "doh3"})


@dataclass(slots=True)
class Answers:
    """The lookups of a hop by who was asked; ``system`` and the others are first answers only."""

    system: list[Query] = field(default_factory=list)
    # The ISP's resolver asked directly, which getaddrinfo asks on our behalf.
    isp: list[Query] = field(default_factory=list)
    public: list[Query] = field(default_factory=list)
    encrypted: list[Query] = field(default_factory=list)
    late: list[Query] = field(default_factory=list)


@dataclass(slots=True)
class Scene:
    """A hop in its measurement.

    ``control_knows``: the control's names and endpoints are about this hop's host.  ``trusted``: addresses
    that the control resolved, or whose certificate was valid for the name here or from the control.
    """

    hop: Hop
    depth: int
    is_last: bool
    control: Control
    control_knows: bool
    ipv6: bool | None
    clock_offset: float | None
    country: str
    asn: int
    extra: Mapping[str, Any]
    answers: Answers
    system: tuple[str, ...]
    valid_here: frozenset[str]
    trusted: frozenset[str]


def _sorted(queries: list[Query], host: str) -> Answers:
    found = Answers()
    for query in queries:
        # A resolver's own name, looked up on the way, is no lookup of the target.
        if host and query.hostname and query.hostname != host and host_label(query.hostname) != host:
            continue
        if query.x_gatewatch_late:
            found.late.append(query)
        elif query.engine in SYSTEM:
            found.system.append(query)
        elif query.engine in ENCRYPTED:
            found.encrypted.append(query)
        elif query.tags and "isp" in query.tags:
            found.isp.append(query)
        else:
            found.public.append(query)
    return found


def validated(hops: list[Hop]) -> dict[str, set[str]]:
    """Give, for each server name, the addresses whose certificate was verified for it here."""
    found: dict[str, set[str]] = {}
    for hop in hops:
        for handshake in (*hop.handshakes, *hop.aside.handshakes):
            if handshake.failure is None and handshake.server_name and not handshake.no_tls_verify:
                name = host_label(handshake.server_name)
                found.setdefault(name, set()).add(address_of(handshake.address))
    return found


def as_number(text: str | None) -> int:
    """Read ``AS123``; 0 for what is none."""
    digits = (text or "").removeprefix("AS")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else 0


def scenes(m: Measurement, hops: list[Hop], control: Control) -> list[Scene]:
    """Set the scene for every hop, in order."""
    extra: Mapping[str, Any] = m.test_keys.extra if m.test_keys else {}
    line = extra.get("x_gatewatch_line")
    ipv6 = line.get("ipv6") if isinstance(line, dict) else None
    offset = line.get("clock_offset") if isinstance(line, dict) else None
    known = isinstance(offset, int | float) and not isinstance(offset, bool)
    valid = validated(hops)
    out = []
    first = hops[0].place.host
    for depth, hop in enumerate(hops):
        host = hop.place.host
        knows = control.present and host == first
        answers = _sorted(hop.queries, host)
        here = frozenset(valid.get(host, ()))
        if hop.place.literal:
            system: tuple[str, ...] = (host,)
            trusted = here | {host}
        else:
            system = tuple(dict.fromkeys(a for query in answers.system for a in query.addresses))
            trusted = here.union(control.addresses, control.valid) if knows else here
        out.append(
            Scene(
                hop=hop,
                depth=depth,
                is_last=depth == len(hops) - 1,
                control=control,
                control_knows=knows,
                ipv6=ipv6 if isinstance(ipv6, bool) else None,
                clock_offset=offset if known else None,
                country=m.probe_cc if isinstance(m.probe_cc, str) else "",
                asn=as_number(m.probe_asn if isinstance(m.probe_asn, str) else None),
                extra=extra,
                answers=answers,
                system=system,
                valid_here=here,
                trusted=frozenset(a for a in trusted if a and not is_bogon(a)),
            )
        )
    return out
