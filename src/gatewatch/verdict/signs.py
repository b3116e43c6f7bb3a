"""Known signs: fingerprints of block pages and forged answers, marks of a server's own challenge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatewatch_targets import Fingerprint

# Block pages are short; searching a long page for forty sentences costs more than all the rest of a verdict.
_LOOK = 32_768
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

    ``misleads``: empty for a true sign; ``filter``: somebody's own filter or product; ``rewriting``: a
    resolver that answers for names that do not exist; ``portal``: a page that wants something of a customer.
    """

    id: str = ""
    confidence: float = 0.0
    misleads: str = ""


_NONE = Sign()


@lru_cache(maxsize=1)
def _table() -> Mapping[str, tuple[Fingerprint, ...]]:
    """The fingerprints by where they are looked for, those that mislead first: they are checked first."""
    from gatewatch_targets import fingerprints

    found: dict[str, list[Fingerprint]] = {}
    for sign in sorted(fingerprints(), key=lambda s: (not s.false_positive, not s.countries)):
        found.setdefault(sign.where, []).append(sign)
    return {where: tuple(signs) for where, signs in found.items()}


@dataclass(frozen=True, slots=True)
class _Pages:
    titles: tuple[Fingerprint, ...]
    bodies: tuple[tuple[str, Fingerprint], ...]
    headers: tuple[Fingerprint, ...]


@lru_cache(maxsize=1)
def _pages() -> _Pages:
    table = _table()
    return _Pages(
        table.get("http.title", ()),
        tuple((sign.pattern, sign) for sign in table.get("http.body", ())),
        tuple(sign for sign in table.get("http.header", ()) if not sign.false_positive),
    )


@lru_cache(maxsize=1)
def _addresses() -> Mapping[str, tuple[Fingerprint, ...]]:
    found: dict[str, list[Fingerprint]] = {}
    for sign in _table().get("dns.a", ()):
        found.setdefault(sign.pattern, []).append(sign)
    return {address: tuple(signs) for address, signs in found.items()}


def answered(addresses: Iterable[str], country: str) -> Sign:
    """Look for a known forged answer; an address lies only in the countries where it was seen lying."""
    by_address = _addresses()
    for address in addresses:
        for sign in by_address.get(address, ()):
            if not sign.countries or country in sign.countries or country in ("", "ZZ"):
                product = sign.scope in _OWN_FILTER
                misleads = ("filter" if product else "rewriting") if sign.false_positive else ""
                # "Any country, low": a note to the reader, not a sign by itself.
                if misleads or sign.countries:
                    return Sign(sign.id, _CONFIDENCE[sign.confidence], misleads)
    return _NONE


def led(locations: Sequence[str], hosts: Sequence[str]) -> Sign:
    """Look at where redirects led."""
    if not locations and not hosts:
        return _NONE
    table = _table()
    for sign in table.get("http.location", ()):
        if any(sign.matches(target) for target in locations):
            return Sign(sign.id, _CONFIDENCE[sign.confidence], "portal" if sign.false_positive else "")
    for sign in table.get("http.host", ()):
        if any(sign.matches(host) for host in hosts):
            return Sign(sign.id, _CONFIDENCE[sign.confidence], "filter" if sign.false_positive else "")
    return _NONE


def shown(body: str, title: str, headers: Mapping[str, Any], country: str) -> Sign:
    """Look at a page; a sentence of another country's notice is a leak from there, and counts for less."""
    pages = _pages()
    folded = title.lower()
    for sign in pages.titles:
        if sign.pattern.lower() == folded:
            return _seen(sign, country)
    look = body[:_LOOK]
    for pattern, sign in pages.bodies:
        if pattern in look:
            return _seen(sign, country)
    # A product's header says who built a box, not what it does: only a true sign counts.
    for sign in pages.headers:
        if any(sign.matches(f"{k}: {v}") for k, v in headers.items()):
            return _seen(sign, country)
    return _NONE


def _seen(sign: Fingerprint, country: str) -> Sign:
    confidence = _CONFIDENCE[sign.confidence] - (
        _ABROAD if sign.countries and country not in sign.countries else 0
    )
    return Sign(sign.id, confidence, "filter" if sign.false_positive else "")


def challenge(status: int, title: str, headers: Mapping[str, Any], body: str) -> str:
    """Name the mark of a server that asks its visitor to prove something; "" without one."""
    if status not in _TURNED_AWAY:
        return ""
    for name in headers:
        if str(name).lower() in _CHALLENGE_HEADERS:
            return str(name).lower()
    text = f"{title}\n{body[:_LOOK]}".lower()
    return next((word for word in _CHALLENGE_WORDS if word in text), "")
