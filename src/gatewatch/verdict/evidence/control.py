"""What the control saw: OONI's test-helper response, read so that nothing in it can do harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gatewatch.net.address import is_bogon
from gatewatch.records.control import VALID
from gatewatch.records.field import NO_EXTRA
from gatewatch.verdict.words import NOT_LOOKED, kind, name_kind

# A response holds as many endpoints as were asked for; more is an attack on whoever reads it.
_MOST = 256


class Control(NamedTuple):
    """One response; outcomes in the words of :mod:`gatewatch.verdict.words`.

    ``tcp`` and ``tls`` are keyed by ``address:port``.  ``http`` is ok, failed or not_looked.  ``body_length``
    is in bytes, -1 where unknown.
    """

    present: bool = False
    failure: str = ""
    names: str = NOT_LOOKED
    addresses: tuple[str, ...] = ()
    tcp: Mapping[str, str] = NO_EXTRA
    tls: Mapping[str, str] = NO_EXTRA
    valid: frozenset[str] = frozenset()
    asns: Mapping[str, int] = NO_EXTRA
    http: str = NOT_LOOKED
    http_failure: str = ""
    status: int = 0
    body_length: int = -1
    title: str = ""
    headers: Mapping[str, Any] = NO_EXTRA


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def text(value: Any, limit: int = 120) -> str:
    """Give a string that is one, cut; "" for anything else."""
    return value[:limit] if isinstance(value, str) else ""


def number(value: Any, default: int = 0) -> int:
    """Give an int that is one (no bool), within 64 bits; the default for anything else."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value if fits else default


def _outcomes(value: Any) -> dict[str, str]:
    found = {}
    for endpoint, outcome in _first(_object(value)):
        if isinstance(outcome, dict) and ("status" in outcome or "failure" in outcome):
            failure = outcome.get("failure")
            failed = isinstance(failure, str) and failure != ""
            found[endpoint] = kind(failure) if failed else "ok" if outcome.get("status") else "failed"
    return found


def _first(found: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    items = found.items()
    return items if len(items) <= _MOST else list(items)[:_MOST]


def read(keys: Mapping[str, Any]) -> Control:
    """Read the control out of a measurement's test keys; one that failed or says nothing is not present."""
    failure = text(keys.get("control_failure"))
    raw = _object(keys.get("control"))
    names, http = _object(raw.get("dns")), _object(raw.get("http_request"))
    if failure or not (names or http):
        return Control(failure=failure)
    tls = _outcomes(raw.get("tls_handshake"))
    info = _object(raw.get("ip_info"))
    valid = {endpoint.rpartition(":")[0].strip("[]") for endpoint, outcome in tls.items() if outcome == "ok"}
    asns = {}
    for address, facts in _first(info):
        known = _object(facts)
        asns[address] = number(known.get("asn"))
        if number(known.get("flags")) & VALID:
            valid.add(address)
    addrs = names.get("addrs")
    listed = [a for a in addrs[:_MOST] if isinstance(a, str)] if isinstance(addrs, list) else []
    honest = tuple(a for a in listed if not is_bogon(a))
    return Control(
        present=True,
        names=_names(names, listed, honest),
        addresses=honest,
        tcp=_outcomes(raw.get("tcp_connect")),
        tls=tls,
        valid=frozenset(valid),
        asns=asns,
        http=_fetched(http),
        http_failure=text(http.get("failure")),
        status=max(0, number(http.get("status_code"))),
        body_length=max(-1, number(http.get("body_length"), -1)),
        title=text(http.get("title"), 1024),
        headers=_object(http.get("headers")),
    )


def _names(answer: Mapping[str, Any], listed: list[str], honest: tuple[str, ...]) -> str:
    if honest:
        return "addresses"
    if listed:
        return "bogon"
    if not answer:
        return NOT_LOOKED
    failure = text(answer.get("failure"))
    # oohelperd writes no failure, and no address, for a name that exists without any.
    return name_kind(failure) if failure else "no_answer"


def _fetched(http: Mapping[str, Any]) -> str:
    if not http:
        return NOT_LOOKED
    return "failed" if text(http.get("failure")) or number(http.get("status_code")) <= 0 else "ok"
