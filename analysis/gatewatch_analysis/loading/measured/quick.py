"""The commonest measurements: a page came, and a part of the record proves what it is.

Nine of ten measurements say that a site is well.  For each hop of such a visit a few features are proven (an
address that the system gave answers, and shows a valid certificate, or is the control's, too; the page came,
and over plain HTTP it has the control's title and status); the others stay unknown.
The table of rules is asked what it says of such a row whatever the unknown features are
(:func:`gatewatch.verdict.decide.settled`), once for each combination.  So no rule is written here, and where
a rule would look at what was not read, the measurement is read whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from gatewatch.net.address import is_bogon
from gatewatch.records.failure import ANDROID_NO_DATA
from gatewatch.verdict.decide import may_block, settled
from gatewatch.verdict.evidence.hops import PLAIN_URL, address_of, headers_of, location, same_site
from gatewatch.verdict.evidence.scene import ENCRYPTED, SYSTEM
from gatewatch.verdict.likeness import compare, signs
from gatewatch.verdict.rule import Rule
from gatewatch.verdict.words import NOT_LOOKED, OK, UNUSABLE
from gatewatch_analysis.loading.measured.known import DEPTHS, NO_DEPTH, PLACES, SAME, Remembered
from gatewatch_analysis.loading.measured.shape import (
    Connect,
    Handshake,
    Keys,
    Record,
    Transaction,
)

# Longer bodies than a redirect's are looked through once for each page, and read whole.
_SHORT = 2_000
_MOST_HOPS = 4
# Beyond these a control is cut where it is read, and a status is none.
_ADDRESSES, _TITLE, _STATUSES = 256, 1024, 999

#: One hop's proven facts in short: what kind of hop it is, its status, mark, and so on.
Fact = tuple[Any, ...]
_SECURE, _BARE, _PLAIN, _SAME_PAGE = "secure", "bare", "plain", "page"
# Whether resolvers were asked over encrypted channels: none, and one gave an address of the system's.
_NOBODY, _AGREES, _UNKNOWN = 0, 1, 2
# TCP on a plain hop: all is well; well, but for IPv6; nobody tried.
_WELL, _NO_SIX, _UNTRIED = 0, 1, 2


def quick_ruling(record: Record) -> Rule | None:
    """Give the rule that decides, None where the whole record has to be read."""
    facts = prove(record)
    return None if facts is None else _SETTLED[facts]


def prove(record: Record) -> tuple[Fact, ...] | None:
    """Prove a visit's hops, in order; None where one of them is not of a kind that is looked for here."""
    keys = record.test_keys
    if keys is None or record.test_name != "web_connectivity" or record.input is None:
        return None
    requests = keys.requests
    if not requests or len(requests) > _MOST_HOPS:
        return None
    where = PLAIN_URL.match(record.input)
    if where is None:
        return None
    scheme, host = where[1], where[2]
    if len(requests) > 1:
        return _chain(scheme, host, keys, requests)
    hop = _Hop(scheme, host)
    status = _status(requests[0], 0)
    if not status or not _sorted((hop,), keys):
        return None
    if scheme == "https":
        fact = _over_tls(hop, requests[0], status)
    else:
        fact = _page(hop, requests[0], status, keys)
    return None if fact is None else (fact,)


def _chain(scheme: str, first: str, keys: Keys, requests: Sequence[Transaction]) -> tuple[Fact, ...] | None:
    """Prove hops of which each led to the next."""
    last = len(requests) - 1
    hops = [_Hop(scheme, first)]
    for number in range(1, last + 1):
        asked = requests[last - number].request
        if asked is None or asked.url is None or (where := PLAIN_URL.match(asked.url)) is None:
            return None
        hops.append(_Hop(where[1], where[2]))
    if not _sorted(hops, keys):
        return None
    facts = []
    secure = True
    ways: list[str] = []
    for number, hop in enumerate(hops):
        # Newest first, one for each hop.
        transaction = requests[last - number]
        status = _status(transaction, number)
        if not status:
            return None
        if hop.scheme == "http":
            secure = False
            fact = _plain(hop, transaction, status, ways) if number < last else None
        elif not secure and not same_site(first, hop.host):
            return None
        else:
            fact = _over_tls(hop, transaction, status)
        if fact is None:
            return None
        facts.append(fact)
    if signs.led(ways, [hop.host for hop in hops[1:]]).id:
        return None
    return tuple(facts)


def _status(transaction: Transaction, number: int) -> int:
    """Give the status of a hop's own answer; 0 for none."""
    response = transaction.response
    if (
        DEPTHS[transaction.tags] not in (NO_DEPTH, number)
        or transaction.failure is not None
        or response is None
    ):
        return 0
    status = response.code
    return 0 if status is None or status < 0 else status


class _Hop:
    """What was recorded of one hop; ``system`` are the addresses that the system's lookups gave."""

    __slots__ = ("connects", "encrypted", "handshakes", "host", "looked_up", "scheme", "system")

    def __init__(self, scheme: str, host: str) -> None:
        self.scheme, self.host = scheme, host
        self.system: list[str] = []
        self.encrypted: list[str] | None = None
        self.looked_up = False
        self.connects: list[Connect] = []
        self.handshakes: list[Handshake] = []


def _sorted(hops: Sequence[_Hop], keys: Keys) -> bool:
    """Sort records by hop; False where one belongs to none of them, or is beside the visit."""
    count = len(hops)
    places = PLACES
    for query in keys.queries or ():
        # Without a depth a lookup belongs to the first hop of its name.
        depth = places[query.tags]
        if depth >= count:
            return False
        hop = hops[depth]
        if query.hostname != hop.host:
            return False
        hop.looked_up = True
        if query.engine in SYSTEM:
            if query.failure == ANDROID_NO_DATA:
                return False
            for answer in query.answers or ():
                if answer.ipv4:
                    hop.system.append(answer.ipv4)
                if answer.ipv6:
                    hop.system.append(answer.ipv6)
        elif query.engine in ENCRYPTED:
            hop.encrypted = [*(hop.encrypted or ()), *query.addresses]
    for connect in keys.tcp_connect or ():
        depth = places[connect.tags]
        if depth >= count:
            return False
        hops[depth].connects.append(connect)
    for handshake in keys.tls_handshakes or ():
        depth = places[handshake.tags]
        if depth >= count:
            return False
        hops[depth].handshakes.append(handshake)
    return True


def _over_tls(hop: _Hop, transaction: Transaction, status: int) -> Fact | None:
    """Prove a hop over TLS: the name's own server answered, at an address of the system's."""
    mark = ""
    if status == 200 or status in signs.TURNED_AWAY:
        response = transaction.response
        body = (response.content if response else None) or ""
        if not isinstance(body, str):
            return None
        if status == 200:
            mark = signs.challenge(200, "", {}, body)
        else:
            mark = signs.challenge(status, compare.title(body), headers_of(cast("Any", transaction)), body)
    if not hop.looked_up and not hop.connects and not hop.handshakes:
        # web_connectivity 0.4 keeps nothing else of where a redirect led.
        return _BARE, status, mark
    if not _good_address(hop) or not signs.lies().isdisjoint(hop.system):
        return None
    return _SECURE, status, mark, _asked(hop)


def _asked(hop: _Hop) -> int:
    if hop.encrypted is None:
        return _NOBODY
    return _UNKNOWN if set(hop.system).isdisjoint(hop.encrypted) else _AGREES


def _good_address(hop: _Hop) -> bool:
    """Find an address of the system's that was connected to and showed a valid certificate for the name."""
    for connect in hop.connects:
        status, address = connect.status, connect.ip
        if status is None or not status.success or connect.port != 443 or address not in hop.system:
            continue
        at = f"[{address}]:443" if ":" in address else f"{address}:443"
        for handshake in hop.handshakes:
            if (
                handshake.address == at
                and handshake.failure is None
                and handshake.server_name == hop.host
                and not handshake.no_tls_verify
                and handshake.network != "udp"
            ):
                return not is_bogon(address)
    return False


def _plain(hop: _Hop, transaction: Transaction, status: int, ways: list[str]) -> Fact | None:
    """Prove a hop over plain HTTP that led on: it went the system's way, and bears nobody else's sign."""
    response = transaction.response
    body = response.content if response else None
    if body is None:
        body = ""
    if not isinstance(body, str) or len(body) > _SHORT or not signs.innocent(body):
        return None
    way = location(cast("Any", transaction))
    where = PLAIN_URL.match(way)
    if where is None or signs.portal(status, [way], body):
        return None
    ways.append(way)
    if not hop.looked_up and not hop.connects:
        return _PLAIN, status, False, _UNTRIED, _NOBODY
    address = (transaction.address or "").rpartition(":")[0].strip("[]")
    classic = not hop.system or not address or address in hop.system
    tcp = _tcp(hop)
    if not classic or tcp is None or (hop.system and all(map(is_bogon, hop.system))):
        return None
    if not hop.system or not signs.lies().isdisjoint(hop.system):
        return None
    return _PLAIN, status, True, tcp, _asked(hop)


def _page(hop: _Hop, transaction: Transaction, status: int, keys: Keys) -> Fact | None:
    """Prove a page over plain HTTP: from an address that the control was given, too, and like its page."""
    response = transaction.response
    body = (response.content if response else None) or ""
    if not isinstance(body, str) or 300 <= status < 400 or status in signs.TURNED_AWAY or status > _STATUSES:
        return None
    system = hop.system
    address = transaction.address
    if not system or (address and address_of(address) not in system) or not signs.lies().isdisjoint(system):
        return None
    tcp = _tcp(hop)
    seen = None if tcp is None or keys.control_failure else keys.control_page
    if seen is None or seen.http_request is None or seen.dns is None:
        return None
    addresses, fetched = seen.dns.addrs or (), seen.http_request
    if fetched.failure or fetched.status_code != status or len(addresses) > _ADDRESSES:
        return None
    if not any(a in addresses and not is_bogon(a) for a in system):
        return None
    title = compare.title(body)
    if compare.same_title(title, (fetched.title or "")[:_TITLE]) != compare.SAME:
        return None
    if signs.portal(status, (), body) or (status == 200 and signs.challenge(200, "", {}, body)):
        return None
    return _SAME_PAGE, status, tcp, _asked(hop)


def _tcp(hop: _Hop) -> int | None:
    """Sum up connects to port 80; None where it matters which of the addresses are the site's."""
    good: set[str] = set()
    bad: set[str] = set()
    for connect in hop.connects:
        if connect.ip and connect.port == 80 and connect.status is not None:
            (good if connect.status.success else bad).add(connect.ip)
    bad -= good
    if not good:
        return None if bad else _UNTRIED
    if all(map(is_bogon, good)):
        return None
    if not bad:
        return _WELL
    if all(":" in address for address in bad) and not any(":" in address for address in good):
        return _NO_SIX
    return None


_SAME = {
    **SAME,
    "dns_sign": "",
    "dns_sign_misleads": "",
    "dns_system_bogon": False,
    "tcp_only_ipv6": False,
    "tls_mostly": NOT_LOOKED,
    "http": OK,
    "http_portal": "",
    "http_to_private": False,
}
_UNSIGNED = {"http_sign": "", "http_sign_confidence": 0.0, "http_sign_misleads": ""}
_TLS = {"scheme": "https", "http_secure": True, "tls_beside": NOT_LOOKED}
_LOOKED_UP = {"dns_system": "addresses"}
_NOT_LOOKED_UP = {
    **dict.fromkeys(("dns_system", "dns_public", "dns_encrypted"), NOT_LOOKED),
    **dict.fromkeys(
        (
            *("dns_system_trusted", "dns_system_in_control", "dns_system_shares_asn", "dns_system_disowned"),
            *("dns_system_own_network", "dns_public_agrees", "dns_encrypted_agrees", "dns_unanimous_against"),
        ),
        False,
    ),
}
_NOTHING_TRIED = dict.fromkeys(("tcp", "tls", "tcp_at_system", "tls_at_system"), NOT_LOOKED)
_ALL_WELL = {
    **dict.fromkeys(("tcp", "tls", "tcp_at_system", "tls_at_system"), OK),
    "dns_system_trusted": True,
}
# The page of a hop that leads on is compared with nothing.
_LEADS_ON = {
    "scheme": "http",
    "http_secure": False,
    "http_challenge": "",
    "tls": NOT_LOOKED,
    "page": NOT_LOOKED,
    **dict.fromkeys(("page_body", "page_title", "page_headers", "page_status"), UNUSABLE),
    **dict.fromkeys(("page_short", "page_unlike_notice", "page_same_server"), False),
    "page_proportion": -1.0,
}
_LIKE_THE_CONTROLS = {
    **_LOOKED_UP,
    **dict.fromkeys(("control", "dns_system_trusted", "dns_system_in_control", "http_leads_home"), True),
    **dict.fromkeys(("http_secure", "page_unlike_notice"), False),
    **dict.fromkeys(("page", "page_status", "page_title"), compare.SAME),
    "scheme": "http",
    "control_http": OK,
    "http_challenge": "",
    "tls": NOT_LOOKED,
}
_CHANNELS: dict[int, dict[str, Any]] = {
    _NOBODY: {"dns_encrypted": NOT_LOOKED, "dns_encrypted_agrees": False},
    _AGREES: {"dns_encrypted_agrees": True},
    _UNKNOWN: {},
}


def rows(facts: tuple[Fact, ...]) -> list[list[dict[str, Any]]]:
    """Give for each hop the rows of features, as far as they are known, of which one is the true one."""
    return [_rows(fact, depth) for depth, fact in enumerate(facts)]


def _rows(fact: Fact, depth: int) -> list[dict[str, Any]]:
    kind, status, *rest = fact
    row = {**_SAME, **(_UNSIGNED if kind != _SAME_PAGE else {}), "depth": depth, "http_status": status}
    if kind == _BARE:
        return [{**row, **_TLS, **_NOT_LOOKED_UP, **_NOTHING_TRIED, "http_challenge": rest[0]}]
    if kind == _SECURE:
        mark, channel = rest
        return [{**row, **_TLS, **_LOOKED_UP, **_ALL_WELL, **_CHANNELS[channel], "http_challenge": mark}]
    variants: dict[int, list[dict[str, Any]]] = {
        _WELL: [{"tcp": OK}],
        _UNTRIED: [{"tcp": NOT_LOOKED}],
        _NO_SIX: [{"tcp": OK}, {"tcp": NOT_LOOKED, "tcp_only_ipv6": True}],
    }
    if kind == _SAME_PAGE:
        tcp, channel = rest
        row |= {**_LIKE_THE_CONTROLS, **_CHANNELS[channel], "control_http_status": status}
        # A page may quote a sign, or bear that of a product.
        signed = [{"http_sign_misleads": misleads} for misleads in ("", "filter")]
        return [{**row, **sign, **variant} for sign in signed for variant in variants[tcp]]
    looked_up, tcp, channel = rest
    row |= {**_LEADS_ON, **_CHANNELS[channel]}
    # It went the system's way, and the last hop is the site's own.
    row |= (
        {**_LOOKED_UP, "http_leads_home": True}
        if looked_up
        else {**_NOT_LOOKED_UP, "tcp_at_system": NOT_LOOKED}
    )
    return [{**row, **variant} for variant in variants[tcp]]


def _ruled(facts: tuple[Fact, ...]) -> Rule | None:
    *before, last = rows(facts)
    if any(may_block(row) for hop in before for row in hop):
        return None
    decided = {id(rule): rule for rule in map(settled, last)}
    return next(iter(decided.values())) if len(decided) == 1 else None


_SETTLED: Remembered[tuple[Fact, ...], Rule | None] = Remembered(_ruled)
