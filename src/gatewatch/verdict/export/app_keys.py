"""The keys with which OONI's tests of apps conclude, derived from what became of each role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatewatch.records import Measurement
from gatewatch.verdict.evidence.apps import APP_TESTS, Role, Tried, roles
from gatewatch.verdict.words import OK


def ooni_keys(m: Measurement) -> dict[str, Any]:
    """Give the keys with which OONI's test of the same app concludes; none for other tests."""
    if m.test_name not in APP_TESTS or m.test_keys is None:
        return {}
    by_name = {role.name: role for role in roles(m)[1]}
    if not by_name:
        return {}
    if m.test_name == "telegram":
        centres = by_name.get("data centre")
        steps = {t.step for t in centres.tried} if centres else set()
        return {
            "telegram_tcp_blocking": bool(steps) and steps <= {"tcp"},
            "telegram_http_blocking": bool(steps) and OK not in steps,
            **_status("telegram_web", by_name.get("web")),
        }
    if m.test_name == "whatsapp":
        chat = by_name.get("chat")
        hosts: dict[str, list[Tried]] = {}
        for tried in chat.tried if chat else ():
            hosts.setdefault(tried.place.host, []).append(tried)
        blocked = [host for host, tries in hosts.items() if all(t.step != OK for t in tries)]
        return {
            "whatsapp_endpoints_status": "blocked" if hosts and len(blocked) == len(hosts) else "ok",
            "whatsapp_endpoints_blocked": blocked,
            "whatsapp_endpoints_dns_inconsistent": [],
            **_status("registration_server", by_name.get("registration")),
            **_status("whatsapp_web", by_name.get("web")),
        }
    if m.test_name == "signal":
        backend = [r for n, r in by_name.items() if n in ("chat", "storage", "directory", "calls")]
        bad = next((t for role in backend for t in role.tried if t.step != OK), None)
        return {
            "signal_backend_status": "blocked" if bad else "ok",
            "signal_backend_failure": (bad.failure or "unknown_failure") if bad else None,
        }
    if m.test_name == "facebook_messenger":
        return _facebook(by_name.values())
    return _tor(by_name) if m.test_name == "tor" else {}


def _status(prefix: str, role: Role | None) -> dict[str, Any]:
    bad = next((t for t in role.tried if t.step != OK), None) if role else None
    return {
        f"{prefix}_status": "blocked" if bad else "ok",
        f"{prefix}_failure": (bad.failure or "unknown_failure") if bad else None,
    }


# ts-019's names of Messenger's services.
_FACEBOOK = {
    "b-api.facebook.com": "b_api",
    "b-graph.facebook.com": "b_graph",
    "edge-mqtt.facebook.com": "edge",
    "external.xx.fbcdn.net": "external_cdn",
    "scontent.xx.fbcdn.net": "scontent_cdn",
    "star.c10r.facebook.com": "star",
}


def _facebook(every: Iterable[Role]) -> dict[str, Any]:
    found: dict[str, Any] = {"facebook_dns_blocking": False, "facebook_tcp_blocking": False}
    for tried in (t for role in every for t in role.tried):
        name = _FACEBOOK.get(tried.place.host)
        if name is None:
            continue
        # OONI looks at networks; here a name is right when it leads where its service answers.
        lied = tried.step in ("dns", "dead")
        found[f"facebook_{name}_dns_consistent"] = not lied
        found["facebook_dns_blocking"] |= lied
        # ts-019 asks for a connection; what becomes of the handshake is ours to tell.
        found[f"facebook_{name}_reachable"] = None if lied else tried.step not in ("tcp", "unknown")
        found["facebook_tcp_blocking"] |= tried.step == "tcp"
    return found


def _tor(by_name: Mapping[str, Role]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, name in (("or_port_dirauth", "authority"), ("dir_port", "directory"), ("obfs4", "bridge")):
        role = by_name.get(name)
        found[f"{key}_total"] = len(role.tried) if role else 0
        found[f"{key}_accessible"] = sum(t.step == OK for t in role.tried) if role else 0
    return found
