"""The keys that OONI's tests conclude with, derived: so that OONI's own tools can read our measurements."""

from __future__ import annotations

from typing import Any

from gatewatch.records import Measurement
from gatewatch.verdict.evidence import control
from gatewatch.verdict.evidence.hops import address_of, hops
from gatewatch.verdict.evidence.pages import compared, is_classic, outcome
from gatewatch.verdict.evidence.scene import Scene, scenes
from gatewatch.verdict.export import app_keys
from gatewatch.verdict.export.flags import flags
from gatewatch.verdict.judge import Verdict
from gatewatch.verdict.likeness import compare
from gatewatch.verdict.words import OK, UNUSABLE, name_kind

_MATCH = {compare.SAME: True, compare.DIFFERENT: False, UNUSABLE: None}


def derived_keys(m: Measurement, verdict: Verdict) -> dict[str, Any]:
    """Give OONI's keys for a measurement of any test; none for a test of our own."""
    return classic_keys(m, verdict) if m.test_name == "web_connectivity" else app_keys.ooni_keys(m)


def classic_keys(m: Measurement, verdict: Verdict) -> dict[str, Any]:
    """Give OONI's keys for a measurement and its verdict.

    ``blocking`` and ``accessible`` follow the verdict; the others follow the records, by OONI's definitions
    (spec ts-017), but for ``headers_match`` and ``title_match``, which compare as this package does.
    """
    keys = m.test_keys
    seen = control.read(keys.extra if keys else {})
    stage = scenes(m, hops(m), seen)
    last = stage[-1]
    usual = [t for t in last.hop.transactions if is_classic(last, t)]
    page = compared(last, next(iter(usual), None))
    known = page.status != UNUSABLE
    blocking, accessible = _blocking(verdict, len(stage))
    consistency = _consistency(stage[0])
    likenesses = (page.body, page.title, page.headers)
    same = page.status == compare.SAME and compare.SAME in likenesses
    return {
        "dns_experiment_failure": _name_failure(stage[0]),
        "dns_consistency": consistency,
        "http_experiment_failure": _experiment_failure(stage),
        "body_length_match": _MATCH[page.body],
        "body_proportion": max(0.0, page.proportion),
        "status_code_match": _MATCH[page.status],
        "headers_match": _MATCH[page.headers],
        # Two pages without a title match, as OONI sees it.
        "title_match": (page.title != compare.DIFFERENT) if known else None,
        "blocking": blocking,
        "accessible": accessible,
        **flags(stage, consistency, same),
    }


def _blocking(verdict: Verdict, depths: int) -> tuple[str | bool | None, bool | None]:
    if verdict.status in ("ok", "tampered", "server_side"):
        return False, True
    if verdict.status == "down":
        return False, False
    if verdict.status != "blocked":
        return None, None
    if verdict.layer == "dns":
        return "dns", False
    if verdict.layer == "tcp":
        # OONI: "http-failure" when the connection of a redirect's hop fails.
        return "tcp_ip" if depths == 1 else "http-failure", False
    different = verdict.method in ("blockpage", "diff")
    return "http-diff" if different else "http-failure", False


def _name_failure(scene: Scene) -> str | None:
    if any(query.addresses for query in scene.answers.system):
        return None
    return next((q.failure for q in scene.answers.system if q.failure and q.query_type != "AAAA"), None)


def _consistency(first: Scene) -> str | None:
    """Compare with the control as OONI 0.5 does: an address or a network in common, or both denied."""
    if not first.control_knows or first.hop.place.literal or not first.answers.system:
        return None
    seen = first.control
    if not first.system:
        denied = name_kind(_name_failure(first)) in ("nxdomain", "no_answer")
        return "consistent" if denied and seen.names in ("nxdomain", "no_answer") else "inconsistent"
    if seen.names == "bogon":
        return "consistent"
    if set(first.system) & set(seen.addresses):
        return "consistent"
    ours = {seen.asns.get(a, 0) for a in first.system} - {0}
    theirs = {seen.asns.get(a, 0) for a in seen.addresses} - {0}
    return "consistent" if ours & theirs else "inconsistent"


def _experiment_failure(stage: list[Scene]) -> str | None:
    """Give the failure that ended the way over the system's addresses, at the deepest hop it came to."""
    for scene in reversed(stage):
        usual = [t for t in scene.hop.transactions if is_classic(scene, t)]
        if any(outcome(t) == OK for t in usual):
            stopped = scene.extra.get("x_gatewatch_redirect_failure") if scene.is_last else None
            return stopped if isinstance(stopped, str) else None
        system = set(scene.system)
        failures = [
            *(t.failure for t in usual),
            *(h.failure for h in scene.hop.handshakes if address_of(h.address) in system),
            *(c.status.failure for c in scene.hop.connects if c.ip in system and c.status),
            _name_failure(scene),
        ]
        failure = next((f for f in failures if f), None)
        if failure:
            return failure
    return None
