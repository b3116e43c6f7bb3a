"""DNS evidence: what each resolver said of a hop's name, and whom the answers agree with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gatewatch.net.address import is_bogon, is_ipv6
from gatewatch.records import Query
from gatewatch.records.failure import ANDROID_NO_DATA
from gatewatch.verdict.evidence import habits
from gatewatch.verdict.evidence.control import Control
from gatewatch.verdict.evidence.scene import Scene
from gatewatch.verdict.likeness import signs
from gatewatch.verdict.words import NOT_LOOKED, name_kind

# getaddrinfo says "try again" of silence and of SERVFAIL alike.  Silence lasts at least one try, and
# resolvers are seldom given less than 2 s (glibc: 5 s, resolv.conf(5) "timeout"); SERVFAIL comes sooner.
_ONE_TRY = 2.0
_IN_TEXT = 3
# Hops between two senders.  Load balancing moves one server's answers by one hop at most, seldom by two.
_APART = 2
_MOST = 64


def view(queries: list[Query]) -> tuple[str, tuple[str, ...]]:
    """Sum up lookups of one kind of resolver: addresses if any, else what was said of the IPv4 question."""
    if not queries:
        return NOT_LOOKED, ()
    found = tuple(dict.fromkeys([a for query in queries if query.answers for a in query.addresses]))
    if found:
        return "addresses", found
    # "No AAAA record" is normal and must not hide what became of the A question.
    main = [query for query in queries if query.query_type != "AAAA"] or queries
    kinds = {"no_answer" if query.failure is None else name_kind(query.failure) for query in main}
    order = ("nxdomain", "timeout", "no_answer", "error")
    return next((kind for kind in order if kind in kinds), NOT_LOOKED), ()


def _system_kind(scene: Scene) -> str:
    kind, _ = view(scene.answers.system)
    if any(query.failure == ANDROID_NO_DATA for query in scene.answers.system):
        # Android has one word for "no such name" and "no usable address"; its resolver, asked straight, two.
        straight, _ = view(scene.answers.isp)
        return straight if straight in ("nxdomain", "no_answer") else kind
    if kind == "timeout" and any(query.failure is None for query in scene.answers.isp):
        # Asked straight, the same resolver answers at once: it was our own lookup that took too long.
        return "error"
    if kind != "error" or not any(q.failure == "dns_temporary_failure" for q in scene.answers.system):
        return kind
    direct = {name_kind(query.failure) for query in scene.answers.isp}
    took = [q.t - q.t0 for q in scene.answers.system if q.t is not None and q.t0 is not None]
    slow = any(seconds >= _ONE_TRY for seconds in took)
    if direct:
        # A failure that came at once was an answer; the straight question may have been lost on the way.
        return "timeout" if direct == {"timeout"} and (slow or not took) else kind
    return "timeout" if slow else kind


def _duplicates(scene: Scene) -> list[tuple[Query | None, tuple[str, ...], str]]:
    """Later answers to a query already answered: (the first one, addresses, kind)."""
    answers = scene.answers
    firsts = {(q.transaction_id, q.query_type): q for q in (*answers.isp, *answers.public)}
    found: list[tuple[Query | None, tuple[str, ...], str]] = []
    for query in answers.late[:_MOST]:
        kind = name_kind(query.failure)
        found.append((firsts.get((query.transaction_id, query.query_type)), query.addresses, kind))
    raw = scene.extra.get("x_dns_duplicate_responses") if scene.depth == 0 else None
    for late in raw[:_MOST] if isinstance(raw, list) else ():
        if not isinstance(late, dict) or late.get("hostname") != scene.hop.place.host:
            continue
        first = next(
            (
                q
                for q in answers.public
                if q.resolver_address == late.get("resolver_address")
                and q.query_type == late.get("query_type")
            ),
            None,
        )
        rows = late.get("answers")
        cells = (
            [row.get(key) for row in rows if isinstance(row, dict) for key in ("ipv4", "ipv6")]
            if (isinstance(rows, list))
            else []
        )
        failure = late.get("failure")
        kind = name_kind(failure if isinstance(failure, str) else None)
        found.append((first, tuple(a for a in cells if isinstance(a, str) and a), kind))
    return found


def _injected(scene: Scene) -> bool:
    """Tell whether a forged answer came before a true one to the same query."""
    if not scene.answers.late and not scene.extra.get("x_dns_duplicate_responses"):
        return False
    denied = scene.control_knows and scene.control.names in ("nxdomain", "no_answer")
    for first, later, kind in _duplicates(scene):
        # The second half of a resolver's answer, or the same answer twice, contradicts nothing.
        if first is None or set(first.addresses) & set(later):
            continue
        first_lies = not any(a in scene.trusted for a in first.addresses)
        if not first_lies or first.failure == "generic_timeout_error":
            continue
        if any(a in scene.trusted for a in later) or (kind == "nxdomain" and denied and first.addresses):
            return True
        # No public name has a bogon next to an address that anybody else answers with.
        bogons = bool(first.addresses) and all(map(is_bogon, first.addresses))
        if bogons and later and not any(map(is_bogon, later)):
            return True
    return False


def _two_senders(scene: Scene) -> bool:
    """Tell whether one query had two answers without an address in common, from two distances.

    One server's repeated answer comes with one IP TTL, and may well hold another set of a name's addresses.
    """
    answers = scene.answers
    if not answers.late:
        return False
    firsts = {(q.transaction_id, q.query_type): q for q in (*answers.isp, *answers.public)}
    for late in answers.late[:_MOST]:
        first = firsts.get((late.transaction_id, late.query_type))
        if (
            first is None
            or first.failure == "generic_timeout_error"
            or not (first.addresses or late.addresses)
        ):
            continue
        ours, theirs = first.x_gatewatch_ip_ttl, late.x_gatewatch_ip_ttl
        apart = isinstance(ours, int) and isinstance(theirs, int) and abs(ours - theirs) >= _APART
        # An error is no second opinion: an overtaken resolver may well give one.
        words = {name_kind(q.failure) for q in (first, late)}
        told = words <= {"addresses", "nxdomain", "no_answer"}
        if apart and told and not set(first.addresses) & set(late.addresses):
            return True
    return False


def unanimous(others: Iterable[Query], control: tuple[str, ...] | None, system: frozenset[str]) -> bool:
    """Tell whether two others or more, and all of them, give one and the same IPv4 set, with none of ours."""
    if all(map(is_ipv6, system)):
        return False
    said = [query.addresses for query in others if query.answers]
    if control is not None:
        said.append(control)
    views = [view for addresses in said if (view := {a for a in addresses if not is_ipv6(a)})]
    return len(views) > 1 and all(view == views[0] for view in views) and not system & views[0]


def networks(queries: Iterable[Query], control: Control) -> dict[str, int]:
    """Give the network of each address, as far as a lookup or the control names it."""
    found = {
        a: row.asn
        for query in queries
        for row in query.answers or ()
        for a in (row.ipv4, row.ipv6)
        if a and row.asn
    }
    found.update((a, asn) for a, asn in control.asns.items() if asn)
    return found


def evidence(scene: Scene) -> dict[str, Any]:
    """Give the features about names; all of them at rest for a host that is an address."""
    answers, control = scene.answers, scene.control
    if scene.hop.place.literal:
        return {}
    kind = _system_kind(scene)
    system = frozenset(scene.system)
    public, public_addresses = view(answers.public)
    encrypted, encrypted_addresses = view(answers.encrypted)
    asns = networks(scene.hop.queries, control)
    system_asns = {asns[a] for a in system if a in asns}
    encrypted = "bogon" if encrypted_addresses and all(map(is_bogon, encrypted_addresses)) else encrypted
    sign = signs.answered(scene.system, scene.country)
    reference = [asns[a] for a in sorted(scene.trusted - system) if a in asns]
    failure = next((q.failure for q in answers.system if q.failure and q.query_type != "AAAA"), None)
    return {
        "dns_system": kind,
        "dns_system_failure": failure or "",
        "dns_system_answers": " ".join(scene.system[:_IN_TEXT]),
        "dns_system_bogon": bool(system) and all(map(is_bogon, system)),
        "dns_system_trusted": bool(system & scene.trusted),
        "dns_system_in_control": scene.control_knows and bool(system & set(control.addresses)),
        "dns_system_shares_asn": bool(system_asns.intersection(reference)),
        "dns_system_disowned": scene.control_knows and disowned(control, system),
        "dns_system_own_network": bool(scene.asn) and system_asns == {scene.asn},
        "dns_trusted_asn": reference[0] if reference else 0,
        "dns_control": control.names if scene.control_knows else NOT_LOOKED,
        "dns_control_answers": " ".join(control.addresses[:_IN_TEXT]) if scene.control_knows else "",
        "dns_control_ipv4": scene.control_knows and any(not is_ipv6(a) for a in control.addresses),
        "dns_public": public,
        "dns_public_agrees": bool(system & set(public_addresses)),
        "dns_encrypted": encrypted,
        "dns_encrypted_agrees": bool(system & set(encrypted_addresses)),
        "dns_other_validated": bool(scene.valid_here - system),
        "dns_unanimous_against": unanimous(
            (*answers.public, *answers.encrypted), control.addresses if scene.control_knows else None, system
        ),
        "dns_injected": _injected(scene),
        "dns_two_senders": _two_senders(scene),
        "dns_late": len(answers.late),
        **habits.evidence(scene, kind),
        "dns_sign": sign.id,
        "dns_sign_misleads": sign.misleads,
    }


def disowned(control: Control, system: frozenset[str]) -> bool:
    """Tell whether the control tried our answer in vain while its own had a valid certificate."""
    looked = {endpoint.rpartition(":")[0].strip("[]") for endpoint in (*control.tcp, *control.tls)}
    valid = control.valid
    return bool(system & looked) and not system & valid and bool(valid.intersection(control.addresses))
