"""A visit of one hop, well or not: the features that rules read, straight from typed structs.

What :mod:`gatewatch.verdict.evidence` works out for any record, in the few steps that are left when there is
one hop, the host is a plain name, and none of our own probe's keys is there.  Features that matter only where
the system's answer is doubtful are worked out only there, and unknown elsewhere
(:func:`gatewatch.verdict.decide.settled`).  Anything out of the ordinary gives None, and the rules' own
evidence reads the record.  Tests hold every feature against that evidence's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from gatewatch.net import certificate
from gatewatch.net.address import is_bogon, is_ipv6
from gatewatch.verdict.decide import settled
from gatewatch.verdict.evidence import control as helper
from gatewatch.verdict.evidence import names, pages, steps
from gatewatch.verdict.evidence.control import Control
from gatewatch.verdict.evidence.hops import PLAIN_URL, address_of, headers_of, location, place
from gatewatch.verdict.evidence.scene import ENCRYPTED, SYSTEM, as_number
from gatewatch.verdict.likeness import compare, signs
from gatewatch.verdict.rule import Rule
from gatewatch.verdict.words import NOT_LOOKED, OK, alone, best, kind
from gatewatch_analysis.loading.measured.known import PLACES, SAME, Remembered, StandIn, constants
from gatewatch_analysis.loading.measured.shape import (
    Connect,
    Handshake,
    Query,
    Record,
    Transaction,
)

_HTTPS = 443
# Stands for a feature that was not worked out.
_UNKNOWN = None
_STAND_INS = {name: StandIn(name) for name in ("page_proportion", "http_status", "control_http_status")}
_proportion, _status, _control_status = _STAND_INS.values()
_TELLING_FAILURES = frozenset(constants("tls_failure"))

#: The features that :func:`features` gives, in its order.
NAMES = (
    *("scheme", "depth", "control", "control_http", "control_http_status"),
    *("dns_system", "dns_system_trusted", "dns_system_bogon", "dns_system_in_control", "dns_other_validated"),
    *("dns_system_shares_asn", "dns_system_own_network", "dns_trusted_asn", "dns_system_disowned"),
    *("dns_unanimous_against", "dns_control", "dns_control_ipv4", "dns_public", "dns_public_agrees"),
    *("dns_encrypted", "dns_encrypted_agrees", "dns_sign", "dns_sign_misleads"),
    *("tcp", "tcp_only_ipv6", "tcp_control", "tcp_at_system", "tcp_at_others"),
    *("tls", "tls_mostly", "tls_beside", "tls_failure", "tls_logged", "tls_control"),
    *("tls_at_system", "tls_at_others"),
    *("http", "http_classic", "http_secure", "http_status", "http_leads_home", "http_to_private"),
    *("http_challenge", "http_portal", "http_sign", "http_sign_confidence", "http_sign_misleads"),
    *("page", "page_body", "page_proportion", "page_short", "page_unlike_notice", "page_title"),
    *("page_headers", "page_status", "page_same_server"),
)


def single_ruling(record: Record) -> Rule | None:
    """Give the rule that decides, None where the record has to be read as any other."""
    visit = _visit(record)
    if visit is None:
        return None
    named = _names(visit)
    if visit.transaction is None:
        # Where the name is at fault, what became of connects does not matter.
        rule = _BY_NAMES[named]
        if rule is not None:
            return rule
    return _BY_ALL[(*named, *_steps(visit), *_page(visit))]


def features(record: Record) -> tuple[Any, ...] | None:
    """Work out the features named by ``NAMES``; None for what is no simple visit of one hop."""
    visit = _visit(record)
    return None if visit is None else (*_names(visit), *_steps(visit), *_page(visit))


def stand_in(name: str, value: Any) -> Any:
    """Give what stands here for a feature's value: many values are one to the rules."""
    if name in _STAND_INS:
        return _STAND_INS[name](value)
    return _telling(value) if name == "tls_failure" else value


def _settled(names: tuple[str, ...], values: tuple[Any, ...]) -> Rule | None:
    row = {name: value for name, value in zip(names, values, strict=True) if value is not _UNKNOWN}
    return settled({**SAME, **row})


class _Lookups:
    """The lookups of the name, by who was asked."""

    __slots__ = ("all", "encrypted", "public", "system")

    def __init__(self, queries: Sequence[Query]) -> None:
        self.all = queries
        self.system: list[Any] = []
        self.public: list[Any] = []
        self.encrypted: list[Any] = []
        for query in queries:
            engine = query.engine
            (
                self.system if engine in SYSTEM else self.encrypted if engine in ENCRYPTED else self.public
            ).append(query)


class _Answer(NamedTuple):
    """A response whose parts were read once."""

    code: int | None
    body: str | bytes | None
    body_is_truncated: bool | None
    headers: dict[str, Any] | None
    headers_list: list[list[Any]] | None


class _Fetched(NamedTuple):
    """A transaction with such a response."""

    failure: str | None
    response: _Answer


class _Sight(NamedTuple):
    """As much of a scene as comparing pages needs."""

    control: Control
    is_last: bool = True


class _Visit(NamedTuple):
    """What was recorded, and what follows from it at once.

    ``system``: addresses of the system's lookups; ``lie``: what is known of one of them; ``valid``: those
    that showed a valid certificate; ``trusted``: as in the rules' evidence.
    """

    record: Record
    scheme: str
    lookups: _Lookups
    connects: Sequence[Connect]
    handshakes: Sequence[Handshake]
    transaction: Transaction | None
    system_kind: str
    system: frozenset[str]
    lie: signs.Sign
    control: Control
    valid: set[str]
    trusted: set[str]


def _visit(record: Record) -> _Visit | None:
    keys = record.test_keys
    if keys is None or record.test_name != "web_connectivity" or record.input is None:
        return None
    where = PLAIN_URL.match(record.input)
    queries, connects = keys.queries or (), keys.tcp_connect or ()
    handshakes, requests = keys.tls_handshakes or (), keys.requests or ()
    if where is None or len(requests) > 1:
        return None
    host = where[2]
    if not (queries or connects or handshakes or requests) or not _is_one_hop(
        host, queries, connects, handshakes, requests
    ):
        return None
    lookups = _Lookups(queries)
    system_kind, found = names.view(lookups.system)
    if any(q.failure == "dns_temporary_failure" for q in lookups.system):
        return None  # silence or an error: how long it took tells
    system = frozenset(found)
    # An address lies only in some countries: the order in which they came decides, as in the evidence.
    lie = signs.Sign() if signs.lies().isdisjoint(system) else signs.answered(found, record.probe_cc or "")
    control = helper.read(keys.extra)
    valid = {address_of(h.address) for h in handshakes if h.failure is None and not h.no_tls_verify}
    trusted = valid.union(control.addresses, control.valid) if control.present else valid
    return _Visit(
        record,
        where[1],
        lookups,
        connects,
        handshakes,
        requests[0] if requests else None,
        system_kind,
        system,
        lie,
        control,
        valid,
        {a for a in trusted if a and not is_bogon(a)},
    )


def _is_one_hop(
    host: str,
    queries: Sequence[Query],
    connects: Sequence[Connect],
    handshakes: Sequence[Handshake],
    requests: Sequence[Transaction],
) -> bool:
    places = PLACES
    for query in queries:
        if query.hostname != host or places[query.tags]:
            return False
    for handshake in handshakes:
        # Another spelling of the name is the evidence's business.
        if handshake.server_name != host or places[handshake.tags]:
            return False
    for connect in connects:
        if places[connect.tags]:
            return False
    return not (requests and places[requests[0].tags])


def _names(visit: _Visit) -> tuple[Any, ...]:
    lookups, control, system = visit.lookups, visit.control, visit.system
    knows = control.present
    public, public_addresses = names.view(lookups.public) if lookups.public else (NOT_LOOKED, ())
    encrypted, encrypted_addresses = names.view(lookups.encrypted) if lookups.encrypted else (NOT_LOOKED, ())
    if encrypted_addresses and all(map(is_bogon, encrypted_addresses)):
        encrypted = "bogon"
    is_trusted = not system.isdisjoint(visit.trusted)
    doubtful: tuple[Any, ...] = (_UNKNOWN,) * 5
    if not system:
        # Of no addresses none is anywhere; whose the others are matters where there are some.
        doubtful = (False, False, _UNKNOWN, False, False)
    elif not is_trusted:
        doubtful = _doubtful(visit)
    return (
        *(visit.scheme, 0, knows, control.http, _control_status(control.status)),
        visit.system_kind,
        is_trusted,
        bool(system) and all(map(is_bogon, system)),
        knows and not system.isdisjoint(control.addresses),
        bool(visit.valid - system),
        *doubtful,
        control.names if knows else NOT_LOOKED,
        knows and any(not is_ipv6(a) for a in control.addresses),
        public,
        not system.isdisjoint(public_addresses),
        encrypted,
        not system.isdisjoint(encrypted_addresses),
        visit.lie.id,
        visit.lie.misleads,
    )


def _doubtful(visit: _Visit) -> tuple[Any, ...]:
    """Whose networks an answer that nobody vouches for is in, and what the others say of it."""
    lookups, control, system = visit.lookups, visit.control, visit.system
    asns = names.networks(cast("Any", lookups.all), control)
    system_asns = {asns[a] for a in system if a in asns}
    reference = [asns[a] for a in sorted(visit.trusted - system) if a in asns]
    own = as_number(visit.record.probe_asn)
    others = [*lookups.public, *lookups.encrypted]
    return (
        not system_asns.isdisjoint(reference),
        bool(own) and system_asns == {own},
        reference[0] if reference else 0,
        control.present and names.disowned(control, system),
        names.unanimous(others, control.addresses if control.present else None, system),
    )


def _steps(visit: _Visit) -> tuple[Any, ...]:
    control, system, trusted = visit.control, visit.system, visit.trusted
    handshakes = visit.handshakes
    secure = visit.scheme == "https"
    port = _HTTPS if secure else 80
    tried: dict[str, str] = {}
    for connect in visit.connects:
        if connect.ip and connect.port == port and connect.status is not None:
            word = OK if connect.status.success else alone(kind(connect.status.failure or ""))
            tried[connect.ip] = best((tried[connect.ip], word)) if connect.ip in tried else word
    shaken: dict[str, str] = {}
    for handshake in handshakes:
        at = handshake.address
        if at and handshake.network != "udp" and at.endswith(":443"):
            address, word = address_of(at), alone(kind(handshake.failure))
            shaken[address] = best((shaken[address], word)) if address in shaken else word
    candidates = steps.pick(tried, system & trusted) or steps.pick(tried, trusted)
    if not candidates:
        candidates = {a: word for a, word in tried.items() if not is_bogon(a)}
    candidates, without = steps.usable(candidates, None)
    failing = [a for a, word in candidates.items() if word != OK]
    reached = [a for a, word in candidates.items() if word == OK]
    tls = steps.pick(shaken, reached if secure else candidates)
    tls_failing = [a for a, word in tls.items() if word != OK]
    failed = (
        next((h for h in handshakes if h.failure and address_of(h.address) in tls_failing), None)
        if tls_failing
        else None
    )
    leaf = steps.leaf(cast("Any", failed))
    others = trusted - system
    word = best(tls.values())
    knows = control.present
    return (
        best(candidates.values()),
        not candidates and without > 0,
        steps.met(control.tcp, failing, port) if knows else NOT_LOOKED,
        best(steps.pick(tried, system).values()),
        best(steps.pick(tried, others).values()),
        word if secure else NOT_LOOKED,
        steps.mostly(cast("Any", handshakes), tls) if secure and visit.transaction is None else NOT_LOOKED,
        NOT_LOOKED if secure else word,
        _telling(failed.failure if failed else None),
        bool(leaf) and certificate.is_logged(leaf),
        steps.met(control.tls, tls_failing, _HTTPS) if knows else NOT_LOOKED,
        best(steps.pick(shaken, system).values()),
        best(steps.pick(shaken, others).values()),
    )


def _telling(failure: str | None) -> str:
    """Name a handshake's failure, as far as rules tell them apart."""
    if not failure:
        return ""
    return failure if failure in _TELLING_FAILURES else "other"


_NOT_COMPARED = (
    NOT_LOOKED,
    *(pages.Page()[:1]),
    _proportion(-1.0),
    False,
    False,
    *(pages.Page()[1:4]),
    False,
)
_NO_PAGE = (NOT_LOOKED, False, False, _status(0), False, False, "", "", "", 0.0, "", *_NOT_COMPARED)
_NOT_LOOKED_AT = (_UNKNOWN,) * 9


def _page(visit: _Visit) -> tuple[Any, ...]:
    transaction = visit.transaction
    if transaction is None:
        return _NO_PAGE
    t = cast("Any", transaction)
    response = transaction.response
    address = transaction.address
    classic = (
        not visit.lookups.system
        or not address
        or address_of(address) in visit.system
        or "classic" in (transaction.tags or ())
    )
    status = max(0, response.code or 0) if response else 0
    word = pages.outcome(t)
    came = response is not None and status > 0 and transaction.failure is None
    if visit.scheme == "https":
        mark = ""
        if came and (status == 200 or status in signs.TURNED_AWAY):
            text = _text(response)
            away = status in signs.TURNED_AWAY
            title, headers = (compare.title(text), headers_of(t)) if away else ("", {})
            mark = signs.challenge(status, title, headers, text)
        good = word == OK
        return (
            *(word, classic, good, _status(status), classic and good, False),
            *(mark, "", "", 0.0, ""),
            *_NOT_LOOKED_AT,
        )
    if response is not None:
        by_name = response.headers
        # Which are only looked at where there are none by name.
        listed = None if by_name else response.headers_list
        read = _Answer(response.code, response.body, response.body_is_truncated, by_name, listed)
        t = cast("Any", _Fetched(transaction.failure, read))
        response = t.response
    page = pages.compared(cast("Any", _Sight(visit.control)), t)
    way = location(t)
    sign = signs.led([way], [], visit.record.probe_cc or "") if way else signs.Sign()
    mark = text = ""
    if came:
        text = _text(response)
        mark = signs.challenge(status, page.shown_title, page.shown_headers, text)
        if not sign.id:
            sign = signs.shown(text, page.shown_title, page.shown_headers, visit.record.probe_cc or "")
    likeness = page.likeness
    return (
        *(word, classic, False, _status(status), classic and word == OK and likeness == compare.SAME),
        bool(way) and is_bogon(place(way).host),
        *(mark, signs.portal(status, [way] if way else [], text), sign.id, sign.confidence, sign.misleads),
        *(likeness, page.body, _proportion(page.proportion), page.short, page.unlike_notice, page.title),
        *(page.headers, page.status, page.same_server),
    )


def _text(response: Any) -> str:
    body = response.body or ""
    return body if isinstance(body, str) else body[:65_536].decode("utf-8", "replace")


_AT_NAMES = NAMES.index("dns_sign_misleads") + 1
_AT_PAGE = NAMES.index("http")
_BY_NAMES: Remembered[tuple[Any, ...], Rule | None] = Remembered(
    lambda named: _settled((*NAMES[:_AT_NAMES], *NAMES[_AT_PAGE:]), (*named, *_NO_PAGE))
)
_BY_ALL: Remembered[tuple[Any, ...], Rule | None] = Remembered(lambda values: _settled(NAMES, values))
