"""TCP and TLS evidence: what became of connecting and shaking hands, at which addresses, here and there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatewatch.net import certificate
from gatewatch.net.address import endpoint, is_bogon, is_ipv6
from gatewatch.records import Handshake
from gatewatch.verdict.evidence import second
from gatewatch.verdict.evidence.hops import address_of
from gatewatch.verdict.evidence.scene import Scene
from gatewatch.verdict.words import NOT_LOOKED, OK, best, kind

_HTTPS = 443
# Certificates are dated back by an hour by those who issue most of them, because clocks differ (Let's
# Encrypt, "not before"); a clock that is further off meets certificates that are not valid yet, or no more.
_WRONG_CLOCK = 3600.0
# A filter reads the name in the ClientHello, or, before TLS 1.3, in the server's certificate.
_CUT_AT = ("at the name", "after the server's first bytes")
_CUT = ("reset", "eof", "timeout")
_Tries = dict[str, list[str]]


def _connects(scene: Scene, port: int) -> dict[str, str]:
    tries: _Tries = {}
    for connect in scene.hop.connects:
        if connect.ip and connect.port == port and connect.status:
            outcome = OK if connect.status.success else kind(connect.status.failure or "")
            tries.setdefault(connect.ip, []).append(outcome)
    # The probe does not wait again for an endpoint that was silent a moment ago, for another name.
    skipped = scene.extra.get("x_gatewatch_skipped") if scene.depth == 0 else None
    for row in skipped if isinstance(skipped, list) else ():
        if isinstance(row, dict) and row.get("port") == port and str(row.get("reason")).startswith("silent"):
            tries.setdefault(str(row.get("address")), []).append("timeout")
    return {address: best(outcomes) for address, outcomes in tries.items()}


def _handshakes(scene: Scene, port: int) -> dict[str, str]:
    tries: _Tries = {}
    suffix = f":{port}"
    for handshake in scene.hop.handshakes:
        if handshake.network != "udp" and handshake.address and handshake.address.endswith(suffix):
            tries.setdefault(address_of(handshake.address), []).append(kind(handshake.failure))
    return {address: best(outcomes) for address, outcomes in tries.items()}


def pick(tries: Mapping[str, str], addresses: Iterable[str]) -> dict[str, str]:
    """Give what became of some addresses, as far as they were tried."""
    return {address: tries[address] for address in addresses if address in tries}


def usable(tries: dict[str, str], ipv6: bool | None) -> tuple[dict[str, str], int]:
    """Leave out IPv6 where the line has none, or where nothing but IPv6 failed; gives how many that were."""
    six = {address for address in tries if is_ipv6(address)}
    if not six or (ipv6 is True and len(six) == len(tries)):
        return tries, 0
    broken = ipv6 is False or all(tries[a] != OK for a in six)
    return ({a: t for a, t in tries.items() if a not in six}, len(six)) if broken else (tries, 0)


def met(seen: Mapping[str, str], addresses: Iterable[str], port: int) -> str:
    """Sum up what the control met at endpoints: ok, certificate, failed or not_looked."""
    outcomes = {seen[at] for a in addresses if (at := endpoint(a, port)) in seen}
    word = best(outcomes)
    if word in (OK, NOT_LOOKED):
        return word
    return "certificate" if any(outcome.endswith("_certificate") for outcome in outcomes) else "failed"


def evidence(scene: Scene) -> dict[str, Any]:
    """Give the features about TCP and TLS."""
    place = scene.hop.place
    system = set(scene.system)
    connects = _connects(scene, place.port)
    handshakes = _handshakes(scene, place.port if place.scheme == "https" else _HTTPS)
    # What the user is given, as far as it is right; else what is right; else, unproven, all that was found.
    candidates = pick(connects, system & scene.trusted) or pick(connects, scene.trusted)
    proven = bool(candidates)
    if not proven:
        candidates = {a: outcome for a, outcome in connects.items() if not is_bogon(a)}
    candidates, without = usable(candidates, scene.ipv6)
    if not connects and scene.ipv6 is False and system and all(map(is_ipv6, system | scene.trusted)):
        without = len(system)  # known to be of no use here, and so not tried
    failing = [a for a, outcome in candidates.items() if outcome != OK]
    reached = [a for a, outcome in candidates.items() if outcome == OK]
    tls = pick(handshakes, reached if place.scheme == "https" else candidates)
    tls_failing = [a for a, outcome in tls.items() if outcome != OK]
    failed = next((h for h in scene.hop.handshakes if h.failure and _is(h.address, tls_failing)), None)
    refused = leaf(failed)
    others = scene.trusted - system
    tls_port = place.port if place.scheme == "https" else _HTTPS
    return {
        "tcp": best(candidates.values()),
        "tcp_failure": _failures(scene, failing, place.port),
        "tcp_tried": len(candidates),
        "tcp_proven": proven,
        "tcp_only_ipv6": not candidates and without > 0,
        "tcp_ipv6_ignored": without,
        "tcp_control": met(scene.control.tcp, failing, place.port) if scene.control_knows else NOT_LOOKED,
        "tcp_at_system": best(pick(connects, system).values()),
        "tcp_at_others": best(pick(connects, others).values()),
        "tls": best(tls.values()) if place.scheme == "https" else NOT_LOOKED,
        "tls_mostly": NOT_LOOKED
        if place.scheme != "https" or scene.hop.transactions
        else mostly(scene.hop.handshakes, tls),
        "tls_beside": best(tls.values()) if place.scheme == "http" else NOT_LOOKED,
        "tls_failure": (failed.failure if failed else "") or "",
        "tls_cut_at": "" if failed is None else _CUT_AT[failed.transaction_id in scene.hop.heard],
        "tls_issuer": certificate.issuer(refused) if refused else "",
        "tls_logged": bool(refused) and certificate.is_logged(refused),
        "clock": _clock(scene.clock_offset),
        "residue": second.residue(scene),
        "tls_control": met(scene.control.tls, tls_failing, tls_port) if scene.control_knows else NOT_LOOKED,
        "tls_at_system": best(pick(handshakes, system).values()),
        "tls_at_others": best(pick(handshakes, others).values()),
        **second.evidence(scene, candidates, refused),
    }


def mostly(handshakes: Iterable[Handshake], tls: Mapping[str, str]) -> str:
    """Say how most tries ended where one came through, and yet no request could be made."""
    if OK not in tls.values():
        return NOT_LOOKED
    tries = [kind(h.failure) for h in handshakes if address_of(h.address) in tls]
    cut = [word for word in tries if word in _CUT]
    return best(cut) if len(cut) > tries.count(OK) else NOT_LOOKED


def leaf(failed: Handshake | None) -> bytes:
    """The certificate that was refused, if one came."""
    chain = failed.peer_certificates if failed else None
    return chain[0] if chain and isinstance(chain[0], bytes) else b""


def _clock(offset: float | None) -> str:
    if offset is None:
        return "unknown"
    return "wrong" if abs(offset) > _WRONG_CLOCK else "right"


def _is(address: str | None, among: list[str]) -> bool:
    return address_of(address) in among


def _failures(scene: Scene, failing: list[str], port: int) -> str:
    """Name the first failure, for the evidence."""
    found = (c.status.failure for c in scene.hop.connects if c.ip in failing and c.port == port and c.status)
    return next((failure for failure in found if failure), "")
