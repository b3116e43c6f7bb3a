"""The bit fields of web_connectivity 0.5, derived from the records by OONI's definitions (spec ts-017).

They say what was seen at any endpoint, also where the verdict says something else: a server that asks for a
proof over http has the bit of another page, and a transparent proxy that of DNS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gatewatch.net.address import endpoint, is_bogon
from gatewatch.verdict.evidence.hops import address_of, location
from gatewatch.verdict.evidence.scene import Scene
from gatewatch.verdict.words import OK, best, kind, name_kind

# x_dns_flags
_BOGON, _NO_ANSWER, _OTHER_ADDRESSES = 1, 2, 4
# x_blocking_flags; 32 is OONI's sign of a success.
_DNS, _TCP, _TLS, _HTTP_FAILURE, _HTTP_DIFF, _SUCCESS = 1, 2, 4, 8, 16, 32
# x_null_null_flags: what fails for the control, too; https without a control; a name that should not be.
_NULL_DNS, _NULL_TCP, _NULL_TLS, _NULL_HTTPS, _NULL_GHOST = 1, 2, 4, 8, 16
_DENIED = ("nxdomain", "no_answer")


def flags(stage: list[Scene], consistency: str | None, same_page: bool) -> dict[str, int]:
    """Give the three fields; ``same_page``: the last page is the control's, as OONI compares."""
    first, last = stage[0], stage[-1]
    dns = _dns(first, consistency)
    blocking = _DNS if dns & (_NO_ANSWER | _OTHER_ADDRESSES) else 0
    null = 0
    for scene in stage:
        for here, there in _steps(scene):
            blocking |= here
            null |= there
        if scene.depth and scene.control.http == OK and _nameless(scene):
            blocking |= _DNS
    if first.control_knows and not first.hop.place.literal:
        denied = first.control.names in _DENIED
        null |= _NULL_DNS if denied and _nameless(first) else 0
        null |= _NULL_GHOST if denied and any(not is_bogon(a) for a in first.system) else 0
    came = [t for t in last.hop.transactions if t.failure is None and t.response and t.response.code]
    if came and not all(map(location, came)):
        secure = last.hop.place.scheme == "https"
        if secure:
            blocking |= _SUCCESS
            null |= 0 if last.control.present else _NULL_HTTPS
        elif last.control.present:
            blocking |= _SUCCESS if same_page else _HTTP_DIFF
    return {"x_blocking_flags": blocking, "x_dns_flags": dns, "x_null_null_flags": null}


def _dns(first: Scene, consistency: str | None) -> int:
    found = _BOGON if any(map(is_bogon, first.system)) and not first.hop.place.literal else 0
    if not first.control_knows or first.hop.place.literal:
        return found
    if _nameless(first) and first.control.names == "addresses":
        found |= _NO_ANSWER
    # Addresses are unexpected only beside others that were expected.
    if first.system and first.control.addresses and consistency == "inconsistent":
        found |= _OTHER_ADDRESSES
    return found


def _nameless(scene: Scene) -> bool:
    """Tell whether the system's lookup of the hop's name failed."""
    asked = [q for q in scene.answers.system if q.query_type != "AAAA"]
    return bool(asked) and not scene.system and all(name_kind(q.failure) != "addresses" for q in asked)


def _steps(scene: Scene) -> Iterator[tuple[int, int]]:
    """The bits of each endpoint: (blocking, null) by what the control met there."""
    tried: dict[str, list[str]] = {}
    for connect in scene.hop.connects:
        if connect.ip and isinstance(connect.port, int) and connect.status:
            outcome = OK if connect.status.success else kind(connect.status.failure or "")
            tried.setdefault(endpoint(connect.ip, connect.port), []).append(outcome)
    yield from _compared(scene, tried, scene.control.tcp, _TCP, _NULL_TCP)
    shaken: dict[str, list[str]] = {}
    for handshake in scene.hop.handshakes:
        if handshake.network != "udp" and handshake.address:
            shaken.setdefault(handshake.address, []).append(kind(handshake.failure))
    yield from _compared(scene, shaken, scene.control.tls, _TLS, _NULL_TLS)
    if scene.control.http == OK:
        # A success after a failure at the same address is the second try of the same step.
        asked: dict[str, list[str]] = {}
        for transaction in scene.hop.transactions:
            asked.setdefault(address_of(transaction.address), []).append(kind(transaction.failure))
        stopped = scene.extra.get("x_gatewatch_redirect_failure") if scene.is_last else None
        if any(best(outcomes) != OK for outcomes in asked.values()) or isinstance(stopped, str):
            yield _HTTP_FAILURE, 0


def _compared(
    scene: Scene, tried: Mapping[str, list[str]], seen: Mapping[str, Any], bit: int, null: int
) -> Iterator[tuple[int, int]]:
    for at, outcomes in tried.items():
        if best(outcomes) == OK:
            continue
        word = seen.get(at) if scene.control_knows else None
        if word is None and scene.depth and not scene.control_knows and scene.control.present:
            word = scene.control.http
        if word == OK:
            yield bit, 0
        elif word is not None and word != "not_looked":
            yield 0, null
