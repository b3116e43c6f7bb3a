"""What a measurement of an app says: each role that the app needs, by what became of its endpoints.

The record says itself which endpoints there were (``x_gatewatch_app``) and each step is tagged with the one
that it belongs to, so that a verdict needs no table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gatewatch.net.address import endpoint, is_address, is_bogon
from gatewatch.records import Handshake, Measurement, Query, TestKeys
from gatewatch.verdict.evidence import control
from gatewatch.verdict.evidence.hops import address_of, headers_of, location
from gatewatch.verdict.likeness import signs
from gatewatch.verdict.words import NOT_LOOKED, OK, best, kind, name_kind

#: Tests of apps, by OONI's names where the meaning is the same.
APP_TESTS = ("telegram", "whatsapp", "signal", "facebook_messenger", "tor", "app")
# An app has some dozens of endpoints; a record that tells of more is not one of ours.
_MOST = 128
# Which of several ways to fail speaks for a role when they are equally frequent: the nearest to the client.
_ORDER = ("dns", "tcp", "tls", "http")
_TLS = frozenset({"tls", "dot", "https", "doh"})
_FETCHED = frozenset({"http", "https", "doh"})
# A block page is looked for in what comes without TLS.
_LOOK = 65_536
_LED_AWAY = "a redirect"


class Place(NamedTuple):
    """One endpoint of the record's table."""

    role: str
    host: str
    port: int
    protocol: str
    needed: str
    issuer: str


@dataclass(slots=True)
class Tried:
    """What became of one endpoint: ``step`` is ok, dead, unknown, filter, or the layer that failed."""

    place: Place
    step: str = "unknown"
    word: str = ""
    failure: str = ""
    addresses: tuple[str, ...] = ()
    unverified: bool = False
    neutral: bool = False  # at the same address a handshake with a neutral name was answered

    @property
    def method(self) -> str:
        """The way it failed as layer.word, "" where it did not."""
        return f"{self.step}.{self.word}" if self.step in _ORDER else ""


@dataclass(slots=True)
class Role:
    """What became of a role: ok, partial, failing, filter, dead or unknown."""

    name: str
    needed: str
    tried: list[Tried]
    elsewhere: str = NOT_LOOKED

    @property
    def word(self) -> str:
        """Sum the endpoints up; those that are dead for everybody count neither way."""
        alive = [t for t in self.tried if t.step != "dead"]
        if not alive:
            return "dead"
        works = sum(t.step == OK for t in alive)
        failing = sum(t.step in _ORDER for t in alive)
        if works:
            # An app goes on to the next server; when most of them fail, something is wrong with them.
            enough = failing == 0 if self.needed == "all" else works >= failing
            return OK if enough else "partial"
        if not failing:
            return "filter" if any(t.step == "filter" for t in alive) else "unknown"
        return "dead" if self.elsewhere == "failed" else "failing"

    @property
    def method(self) -> str:
        """How its endpoints fail most often."""
        found = Counter(t.method for t in self.tried if t.method)
        ranked = sorted(found, key=lambda m: (-found[m], _ORDER.index(m.partition(".")[0]), m))
        return ranked[0] if ranked else ""


@dataclass(slots=True)
class _Records:
    """A measurement's records, by the endpoint that each belongs to."""

    connects: dict[int, list[tuple[str, str | None]]] = field(default_factory=dict)
    handshakes: dict[int, list[Handshake]] = field(default_factory=dict)
    requests: dict[int, list[tuple[str, str, str | None]]] = field(default_factory=dict)  # address, sign
    queries: dict[str, list[Query]] = field(default_factory=dict)


def _number(tags: Iterable[Any] | None) -> int:
    for tag in tags or ():
        if isinstance(tag, str) and tag.startswith("endpoint="):
            digits = tag[9:]
            return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 6 else -1
    return -1


def _sorted(keys: TestKeys, country: str) -> _Records:
    found = _Records()
    for query in keys.queries or ():
        if query.hostname and not query.x_gatewatch_late:
            found.queries.setdefault(query.hostname, []).append(query)
    for connect in keys.tcp_connect or ():
        if connect.ip and connect.status:
            failure = None if connect.status.success else connect.status.failure or "unknown_failure"
            found.connects.setdefault(_number(connect.tags), []).append((connect.ip, failure))
    for handshake in keys.tls_handshakes or ():
        found.handshakes.setdefault(_number(handshake.tags), []).append(handshake)
    for t in keys.requests or ():
        body = t.response.body if t.response else ""
        text = body if isinstance(body, str) else (body or b"")[:_LOOK].decode("utf-8", "replace")
        plain = t.failure is None and bool(t.response and t.response.code)
        to = location(t)
        sign = signs.led([to], [], country) if to else signs.Sign()
        if plain and not sign.id:
            sign = signs.shown(text, "", headers_of(t), country)
        # No server of an app leads a program elsewhere; somebody between does, such as a portal.
        mark = sign.id if not sign.misleads else ""
        mark = mark or (_LED_AWAY if to else "")
        found.requests.setdefault(_number(t.tags), []).append((address_of(t.address), mark, t.failure))
    return found


def _table(keys: TestKeys) -> tuple[str, list[Place]]:
    about = keys.extra.get("x_gatewatch_app")
    about = about if isinstance(about, dict) else {}
    rows = about.get("endpoints")
    places = []
    for row in rows[:_MOST] if isinstance(rows, list) else ():
        if isinstance(row, dict) and control.text(row.get("host")):
            words = {name: control.text(row.get(name)) for name in ("role", "protocol", "needed", "issuer")}
            host = control.text(row.get("host"), 253)
            places.append(Place(host=host, port=control.number(row.get("port")), **words))
    return control.text(about.get("title")) or control.text(about.get("app")), places


def _names(tried: Tried, queries: list[Query], country: str) -> bool:
    """Judge the lookup of an endpoint's name; tells whether there is more to look at."""
    host = tried.place.host
    if is_address(host):
        tried.addresses = (host,)
        return True
    system = [q for q in queries if q.engine in ("getaddrinfo", "system", "golang_net_resolver", "go")]
    safe = [q for q in queries if q.engine in ("doh", "dot")]
    others = safe or [q for q in queries if q not in system and not (q.tags and "isp" in q.tags)]
    given = tuple(dict.fromkeys(a for q in system for a in q.addresses))
    true = tuple(dict.fromkeys(a for q in others for a in q.addresses if not is_bogon(a)))
    tried.addresses = given
    sign = signs.answered(given, country)
    if sign.id:
        tried.failure = sign.id
        if sign.misleads == "filter":
            tried.step = "filter"
        elif not sign.misleads:
            lie = "bogon" if all(is_bogon(a) for a in given) else "redirect"
            tried.step, tried.word = "dns", lie
        if tried.step != "unknown":
            return False
    honest = [a for a in given if not is_bogon(a)]
    if honest or not system:
        return bool(system)
    tried.failure = next((q.failure for q in system if q.failure), "") or ", ".join(given[:3])
    word = "bogon" if given else name_kind(next((q.failure for q in system if q.failure), None))
    if true:
        tried.step, tried.word = "dns", "nxdomain" if word == "no_answer" else word
    elif safe and all(name_kind(q.failure) in ("nxdomain", "no_answer") for q in safe):
        tried.step = "dead"
    return False


def _steps(number: int, tried: Tried, records: _Records) -> None:
    """Judge the connections, handshakes and exchanges of an endpoint, at the addresses a user is given."""
    place, ours = tried.place, set(tried.addresses)
    connects = [(a, f) for a, f in records.connects.get(number, ()) if a in ours]
    if not connects:
        return
    tried.step, tried.word = _step("tcp", [f for _, f in connects], tried)
    if tried.step == OK and place.protocol in _TLS:
        shaken = [
            h for h in records.handshakes.get(number, ()) if _own(h, place) and address_of(h.address) in ours
        ]
        failures = [_verified(tried, h) for h in shaken]
        tried.step, tried.word = _step("tls", failures, tried) if shaken else ("unknown", "")
    if tried.step == OK and place.protocol in _FETCHED:
        asked = [(mark, f) for a, mark, f in records.requests.get(number, ()) if a in ours]
        tried.step, tried.word = _step("http", [f for _, f in asked], tried) if asked else ("unknown", "")
        marks = [mark for mark, _ in asked if mark]
        if tried.step == OK and place.protocol == "http" and len(marks) == len(asked):
            word = "led_away" if marks[0] == _LED_AWAY else "blockpage"
            tried.step, tried.word, tried.failure = "http", word, marks[0]
    if tried.step == "tls":
        others = [h for h in records.handshakes.get(number, ()) if not _own(h, place)]
        words = {kind(h.failure) for h in others if address_of(h.address) in ours}
        tried.neutral = any(word == OK or word.endswith("_certificate") for word in words)
    if tried.step in ("tcp", "tls") and not is_address(place.host):
        elsewhere = [
            h
            for h in records.handshakes.get(number, ())
            if _own(h, place) and address_of(h.address) not in ours
        ]
        if any(h.failure is None for h in elsewhere):
            # The name leads astray: at another address, which the system did not give, its certificate is.
            tried.step, tried.word = "dns", "redirect"


def _own(handshake: Handshake, place: Place) -> bool:
    """Tell whether a handshake named the endpoint's host, and not a neutral name to compare with."""
    return handshake.server_name in ("", None, place.host)


def _step(layer: str, failures: list[str | None], tried: Tried) -> tuple[str, str]:
    word = best(kind(failure) for failure in failures)
    if word == OK:
        return OK, ""
    tried.failure = next((f for f in failures if f), "")
    return layer, word


def _verified(tried: Tried, handshake: Handshake) -> str | None:
    """Give a handshake's failure; None where nothing but the app's own authority is the matter."""
    issuer = tried.place.issuer
    if not issuer or not kind(handshake.failure).endswith("_certificate"):
        return handshake.failure
    chain = [c for c in handshake.peer_certificates or () if isinstance(c, bytes)]
    theirs = any(issuer.encode() in certificate for certificate in chain)
    if issuer == "-" or (theirs and handshake.failure == "ssl_unknown_authority"):
        tried.unverified = True
        return None
    return handshake.failure


def _elsewhere(role: Role, seen: control.Control) -> str:
    """Say what the control met at the endpoints that fail here: ok (at one of them), failed or not_looked."""
    if any(tried.step == "dns" for tried in role.tried):
        # That a resolver over an encrypted way, or a certificate, knows better is what makes it a lie.
        return OK
    if any(tried.neutral for tried in role.tried):
        return OK
    words = []
    for tried in role.tried:
        if tried.step in ("tcp", "tls", "http"):
            for address in tried.addresses:
                at = endpoint(address, tried.place.port)
                word = seen.tcp.get(at, NOT_LOOKED)
                # A certificate for another name still shows that nothing cuts the handshake there.
                shaken = seen.tls.get(at, "")
                if tried.step == "tls" and shaken and shaken != OK and not shaken.endswith("certificate"):
                    word = shaken
                words.append(word)
    if OK in words:
        return OK
    looked = [word for word in words if word != NOT_LOOKED]
    return "failed" if looked else NOT_LOOKED


def roles(m: Measurement) -> tuple[str, list[Role]]:
    """Give the app's name and what became of each of its roles, in the record's order."""
    keys = m.test_keys
    if keys is None:
        return "", []
    title, places = _table(keys)
    country = m.probe_cc if isinstance(m.probe_cc, str) else ""
    records = _sorted(keys, country)
    # A helper that got nothing from the app's site may still have reached its servers.
    raw: dict[str, Any] = {"control": keys.extra.get("control")}
    seen = control.read(raw)
    found: dict[str, Role] = {}
    for number, place in enumerate(places):
        tried = Tried(place)
        if _names(tried, records.queries.get(place.host, []), country):
            _steps(number, tried, records)
        found.setdefault(place.role, Role(place.role, place.needed, [])).tried.append(tried)
    for role in found.values():
        role.elsewhere = _elsewhere(role, seen)
    return title, list(found.values())


_WORST = ("failing", "partial", "filter", "unknown", "dead", OK)


def _controls(keys: Mapping[str, Any]) -> str:
    rows = keys.get("x_gatewatch_beacons")
    genuine = (
        [bool(row.get("genuine")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    )
    return OK if any(genuine) else "failed" if genuine else NOT_LOOKED


def _summary(every: list[Role]) -> str:
    wrong = [f"{role.name} {role.word}" for role in every if role.word != OK]
    return ", ".join([f"{len(every) - len(wrong)} of {len(every)} roles work", *wrong])


def evidence(m: Measurement) -> dict[str, Any]:
    """Give the features of a measurement of an app."""
    title, every = roles(m)
    keys = m.test_keys
    needed = [role for role in every if role.needed != "no"] or every
    if not needed or keys is None:
        return {}
    about = keys.extra.get("x_gatewatch_app")
    if isinstance(about, dict) and about.get("independent") is True and any(r.word == OK for r in needed):
        # A collection of services, each for itself: one that is gone takes nothing from the others.
        needed = [role for role in needed if role.word not in ("dead", "unknown")]
    worst = min(needed, key=lambda role: _WORST.index(role.word))
    failing = [t for t in worst.tried if t.method or t.step == "filter"]
    return {
        "judged_test": True,
        "looked": bool(keys.queries or keys.tcp_connect or keys.tls_handshakes or keys.requests),
        "host": title,
        "app": worst.word,
        "app_role": worst.name,
        "app_method": worst.method,
        "app_failure": next((t.failure for t in failing if t.failure), ""),
        "app_tried": len({(a, t.place.port) for t in failing for a in (t.addresses or (t.place.host,))}),
        "app_failing": f"{len(failing)} of {len(worst.tried)}",
        "app_elsewhere": worst.elsewhere,
        "app_controls": _controls(keys.extra),
        "app_roles": _summary(every),
        "app_unverified": any(t.unverified for role in every for t in role.tried),
    }
