"""Known signs: fingerprints of block pages and forged answers, marks of a server's own challenge.

The table in the package is always there; lists of others (OONI's, Censored Planet's) join it once, before a
run or an analysis (:func:`use`), so that judging itself stays a function of the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gatewatch.verdict.search import Needles

if TYPE_CHECKING:
    from gatewatch_targets import Fingerprint

# Block pages are short, and no notice begins after this: the median page's HTML alone is some 30 KB.
_LOOK = 65_536
_CONFIDENCE = {"high": 0.95, "medium": 0.8, "low": 0.5}
# What a sign loses that was never seen in this country.
_ABROAD = 0.2
# Filters that the line's owner chose, and products that say nothing of who ordered what.
_OWN_FILTER = ("product", "context", "institution")
# Statuses of servers that turn a client away by themselves: forbidden, too many requests, unavailable, and
# those of Amazon's firewall (202 challenge, 405 CAPTCHA; AWS WAF developer guide, "challenge and CAPTCHA").
_TURNED_AWAY = frozenset({202, 403, 405, 429, 503})
# Header names that only a challenge has: Cloudflare ("Detecting a challenge page response"), AWS WAF.
_CHALLENGE_HEADERS = frozenset({"cf-mitigated", "x-amzn-waf-action"})
# Words of challenge pages, lower case: Cloudflare, any CAPTCHA, Imperva, HUMAN, DDoS-Guard, Akamai, Sucuri.
_CHALLENGE_WORDS = (
    "just a moment",
    "captcha",
    "cdn-cgi/challenge-platform",
    "attention required! | cloudflare",
    "_incapsula_resource",
    "px-captcha",
    "ddos-guard",
    "errors.edgesuite.net",
    "sucuri website firewall",
)


@dataclass(frozen=True, slots=True)
class Sign:
    """A fingerprint that matched.

    ``id`` names its origin, too: ``ooni:`` and ``cp:`` for lists of others.  ``misleads``: empty for a true
    sign; ``filter``: somebody's own filter or product; ``rewriting``: a resolver that answers for names that
    do not exist; ``portal``: a page that wants something of a customer.
    """

    id: str = ""
    confidence: float = 0.0
    misleads: str = ""


_NONE = Sign()


class _Table:
    """Fingerprints by where they are looked for; ours first, and those that mislead before the others."""

    def __init__(self, own: Iterable[Fingerprint], others: Iterable[Fingerprint]) -> None:
        ours = sorted(own, key=lambda s: (not s.false_positive, not s.countries))
        # What an own row knows better is not asked again of others: unpaid bills, rewritten names.
        known = {(s.where, s.pattern) for s in ours}
        theirs = [s for s in others if (s.where, s.pattern) not in known]
        acquitting = [s for s in theirs if s.false_positive and s.where == "http.body"]
        every = [*ours, *(s for s in theirs if not s.false_positive)]
        self.titles = [s for s in every if s.where == "http.title"]
        self.headers = [s for s in every if s.where == "http.header" and not s.false_positive]
        self.locations = [s for s in every if s.where == "http.location"]
        self.hosts = [s for s in every if s.where == "http.host"]
        self.digests = {s.pattern: s for s in every if s.where == "http.sha1"}
        self.bodies = [s for s in every if s.where == "http.body"]
        self.needles = Needles(s.segments for s in self.bodies)
        self.acquittals = Needles(s.segments for s in acquitting)
        self.acquitted = {s.pattern for s in theirs if s.false_positive and s.where == "http.location"}
        self.addresses: dict[str, list[Fingerprint]] = {}
        for sign in every:
            if sign.where == "dns.a":
                self.addresses.setdefault(sign.pattern, []).append(sign)


_others: tuple[Fingerprint, ...] = ()


def use(others: Iterable[Fingerprint]) -> None:
    """Let lists of others join the package's own table, in place of those that joined before."""
    global _others
    _others = tuple(others)
    _table.cache_clear()


@lru_cache(maxsize=1)
def _table() -> _Table:
    from gatewatch_targets import fingerprints

    return _Table(fingerprints(), _others)


def answered(addresses: Iterable[str], country: str) -> Sign:
    """Look for a known forged answer; an address lies only in the countries where it was seen lying."""
    by_address = _table().addresses
    for address in addresses:
        for sign in by_address.get(address, ()):
            if not sign.countries or country in sign.countries or country in ("", "ZZ"):
                product = sign.scope in _OWN_FILTER
                ours = sign.origin == "gatewatch"
                misleads = ("filter" if product else "rewriting") if sign.false_positive else ""
                misleads = misleads if ours or not product else "filter"
                # "Any country, low": a note to the reader, not a sign by itself.
                if misleads or sign.countries:
                    return Sign(sign.id, _CONFIDENCE[sign.confidence], misleads)
    return _NONE


def led(locations: Sequence[str], hosts: Sequence[str], country: str = "") -> Sign:
    """Look at where redirects led."""
    if not locations and not hosts:
        return _NONE
    table = _table()
    for sign in table.locations:
        if any(sign.matches(target) for target in locations) and sign.pattern not in table.acquitted:
            return _seen(sign, country, "portal")
    for sign in table.hosts:
        if any(sign.matches(host) for host in hosts):
            return _seen(sign, country, "filter")
    return _NONE


def shown(body: str, title: str, headers: Mapping[str, Any], country: str) -> Sign:
    """Look at a page; a sentence of another country's notice is a leak from there, and counts for less."""
    table = _table()
    folded = title.lower()
    for sign in table.titles:
        if sign.pattern.lower() == folded:
            return _seen(sign, country)
    look = body[:_LOOK]
    if table.digests and len(body) <= _LOOK:
        digest = hashlib.sha1(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        if digest in table.digests:
            return _seen(table.digests[digest], country)
    weak = _NONE
    for number in table.needles.found(look):
        sign = table.bodies[number]
        if sign.match in ("full", "prefix") and not sign.matches(look):
            continue
        if sign.origin != "gatewatch" and next(table.acquittals.found(look), None) is not None:
            break
        seen = _seen(sign, country)
        # Words that stand in many notices name none: a better sign further down the list speaks first.
        if seen.misleads or seen.confidence > _CONFIDENCE["low"]:
            return seen
        weak = weak if weak.id else seen
    # A product's header says who built a box, not what it does: only a true sign counts.
    for sign in table.headers:
        if _in_headers(sign, headers):
            return _seen(sign, country)
    return weak


def _in_headers(sign: Fingerprint, headers: Mapping[str, Any]) -> bool:
    if sign.header:
        return any(str(k).lower() == sign.header and sign.matches(str(v)) for k, v in headers.items())
    return any(sign.matches(f"{k}: {v}") for k, v in headers.items())


def _seen(sign: Fingerprint, country: str, misleading: str = "filter") -> Sign:
    confidence = _CONFIDENCE[sign.confidence]
    if sign.countries and country not in sign.countries and country not in ("", "ZZ"):
        confidence = round(confidence - _ABROAD, 2)
    misleads = misleading if sign.false_positive else ""
    if sign.origin != "gatewatch" and sign.scope in ("product", "institution"):
        # Whose firewall it is, a list made elsewhere cannot know: an office's, a school's, or an ISP's.
        misleads = "filter"
    return Sign(sign.id, confidence, misleads)


def challenge(status: int, title: str, headers: Mapping[str, Any], body: str) -> str:
    """Name the mark of a server that asks its visitor to prove something; "" without one."""
    if status not in _TURNED_AWAY:
        return ""
    for name in headers:
        if str(name).lower() in _CHALLENGE_HEADERS:
            return str(name).lower()
    text = f"{title}\n{body[:_LOOK]}".lower()
    return next((word for word in _CHALLENGE_WORDS if word in text), "")
