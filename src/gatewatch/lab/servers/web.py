"""Web sites: every name has its own page, the same on every run, on every path.

Pages echo the client's address in a header and in the text, as many real sites do, so that whatever stores
them must scrub it.
"""

from __future__ import annotations

import gzip
import html
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import PageHost, Scenario, fraction
from gatewatch.lab.country.sites import Url, redirect, speaks_quic
from gatewatch.lab.servers.http import Handler, Reply, Request
from gatewatch.lab.servers.known import BEACONS
from gatewatch.lab.servers.traps import trap, trap_of

# Most pages' HTML is between 2 and 40 KB (HTTP Archive's median of recent years is about 30 KB).
_SMALLEST, _LARGEST = 2_000, 40_000
# Shares of sites that send chunked or compressed pages: enough that any list of 50 meets both.
_CHUNKED, _GZIP = 0.3, 0.25
_SERVERS: Final = ("nginx", "Apache", "cloudflare", "LiteSpeed", "Microsoft-IIS/10.0", "openresty")
# Headers that only some sites send: header names are one of the things compared with a control.
_HABITS: Final = (
    ("X-Powered-By", "PHP/8.2.7"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Cache", "HIT"),
    ("Vary", "Accept-Encoding"),
    ("Referrer-Policy", "no-referrer"),
)
_WORDS: Final = [
    "river",
    "market",
    "village",
    "council",
    "budget",
    "harvest",
    "teacher",
    "season",
    "journal",
    "reader",
    "company",
    "service",
    "account",
    "weather",
    "culture",
    "history",
    "football",
    "recipe",
    "railway",
    "library",
    "border",
    "island",
    "government",
    "minister",
    "election",
    "court",
    "hospital",
    "village",
    "student",
    "factory",
    "temple",
    "music",
    "travel",
    "science",
    "garden",
    "police",
    "energy",
    "water",
    "union",
]
_TEXT: Final = " ".join(random.Random(2024).choices(_WORDS, k=14_000)).encode()
_TOPICS: Final = ("Independent news", "Online community", "Official portal", "Open archive", "Daily magazine")
_MOVED: Final = (301, 302, 308)


# A page larger than this is made while it is sent.
_HELD = 1 << 17
_PIECE: Final = random.Random(32).randbytes(1 << 16)
# Cloudflare's challenge, with both marks of it: the body's words, and the header that Cloudflare documents
# ("Detecting a challenge page response").
_CHALLENGE: Final = (
    b"<html><head><title>Attention Required! | Cloudflare</title></head><body><h1>One more step</h1><p>Please"
    b" complete the security check to access this site.</p><div id='cf-wrapper'><form id='challenge-form'>"
    b"<div class='cf-turnstile'></div></form></div></body></html>\n"
)
_REFUSAL: Final = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n"
_REFUSALS: Final = {403: b"403 Forbidden", 451: b"451 Unavailable For Legal Reasons"}


def _page(host: str, target: str, client: str, title: str = "", size: int = 0) -> bytes:
    """The page of a host: its length and text depend on the host alone, apart from the echo."""
    size = size or _SMALLEST + int(fraction("length", host) * (_LARGEST - _SMALLEST))
    start = int(fraction("text", host) * (len(_TEXT) - _LARGEST))
    title = html.escape(title or f"{host} {_TOPICS[int(fraction('topic', host) * len(_TOPICS))]}")
    heading = html.escape(target.partition("?")[0])
    head = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{host}</h1><h2>{heading}</h2>\n<p>Your address is {client}</p>\n<p>"
    ).encode()
    return head + _TEXT[start : start + size] + b"</p></body></html>\n"


# How a page of another language reads; Khmer takes three bytes a letter.
_FOREIGN: Final = ("ព័ត៌មាន", "ទំព័រដើម", "កីឡា", "សេដ្ឋកិច្ច", "វប្បធម៌", "ព្រឹត្តិការណ៍")


def _front(host: str, edition: int, *, foreign: bool) -> bytes:
    """A front page, as large sites have it: menus, headlines, pictures; its words depend on the edition."""
    chance = random.Random(f"{host} {edition}")
    words: Sequence[str] = _FOREIGN if foreign else _WORDS

    def say(count: int) -> str:
        return " ".join(chance.choices(words, k=count))

    menu = "".join(f'<li><a href="/{n}">{say(1)}</a></li>' for n in range(40))
    stories = "".join(
        f'<article><h2><a href="/story/{chance.randrange(10**6)}">{say(6)}</a></h2><img src="/{n}.jpg">'
        f"<p>{say(chance.randint(5, 60))}</p></article>"
        for n in range(chance.randint(20, 60))
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{"km" if foreign else "en"}"><head><meta charset="utf-8">'
        f'<title>{say(5)}</title><link rel="stylesheet" href="/style.css"></head>'
        f"<body><nav><ul>{menu}</ul></nav><main>{stories}</main></body></html>\n"
    ).encode()


class Web:
    """All web sites of a scenario as one handler."""

    def __init__(
        self,
        scenario: Scenario,
        address_of: Callable[[str], Sequence[str]],
        names_at: Callable[[str], tuple[str, ...]],
        inside: Callable[[str], bool] = lambda client: True,
    ) -> None:
        self._scenario = scenario
        self._address_of = address_of
        self._inside = inside
        self._names_at = names_at
        self._edition = 0

    def host_at(self, address: str, host: str | None) -> str:
        """Give the virtual host: the one asked for where it lives here, else the address's own first name."""
        if host and address in self._address_of(host):
            return host
        return self._names_at(address)[0]

    def respond(self, request: Request) -> Reply:
        """Serve a beacon, a redirect or the page."""
        host = self.host_at(request.address, request.host)
        beacon = BEACONS.get((host, request.target))
        if beacon:
            status, text = beacon
            return Reply(status, (("Content-Type", "text/plain"),), f"{text}\n".encode() if text else b"")
        trapped = trap(trap_of(self._scenario, host), request)
        if trapped is not None:
            return trapped
        server = ("Server", _SERVERS[int(fraction("server", host) * len(_SERVERS))])
        location = redirect(self._scenario, Url(request.scheme, host, request.port, request.target))
        pinned = self._scenario.host(host)
        if location:
            status = _MOVED[int(fraction("moved", host) * len(_MOVED))]
            return Reply(status, (server, ("Location", location)))
        if pinned is not None:
            inside = self._inside(request.client)
            reply = self._offering(_pinned(pinned, host, request, server, inside=inside), host, request)
            if pinned.varies and reply.status == 200:
                self._edition += pinned.varies == "hour"
                foreign = pinned.varies == "language" and inside
                return replace(reply, body=_front(host, self._edition, foreign=foreign))
            return reply
        body = _page(host, request.target, request.client)
        headers = [server, ("Content-Type", "text/html; charset=utf-8"), ("X-Client-IP", request.client)]
        headers += [habit for habit in _HABITS if fraction(habit[0], host) < 0.4]
        if fraction("gzip", host) < _GZIP and "gzip" in request.headers.get("accept-encoding", ""):
            headers.append(("Content-Encoding", "gzip"))
            body = gzip.compress(body, 1, mtime=0)
        reply = Reply(200, tuple(headers), body, chunked=fraction("chunked", host) < _CHUNKED)
        return self._offering(reply, host, request)

    def _offering(self, reply: Reply, host: str, request: Request) -> Reply:
        """Let a site that speaks QUIC say so, over TLS alone (RFC 9114 3.1.1)."""
        if request.scheme != "https" or request.port != 443 or not speaks_quic(self._scenario, host):
            return reply
        kept = tuple(field for field in reply.headers if field[0].lower() != "alt-svc")
        return replace(reply, headers=(*kept, ("Alt-Svc", 'h3=":443"; ma=86400')))


def _pinned(host: Host, name: str, request: Request, server: tuple[str, str], *, inside: bool) -> Reply:
    """The reply of a host that a scenario pins, where it is no redirect."""
    kind = ("Content-Type", "text/html; charset=utf-8")
    if inside and host.domestic == "captcha":
        return Reply(503, (("Server", "cloudflare"), ("Cf-Mitigated", "challenge"), kind), _CHALLENGE)
    if inside and host.domestic in ("403", "451"):
        text = _REFUSALS[int(host.domestic)]
        return Reply(int(host.domestic), (server, kind), _REFUSAL % (text, text))
    if inside and host.domestic.startswith("broken-"):
        return Reply(302, (server, ("Location", f"{host.domestic.removeprefix('broken-')}://")))
    headers: tuple[tuple[str, str], ...] = (server, kind)
    if host.headers:
        pairs = (line.partition(":") for line in host.headers)
        headers = (*((key, value.strip()) for key, _, value in pairs), kind)
    if host.size > _HELD:
        whole, rest = divmod(host.size, len(_PIECE))
        return Reply(host.status, headers, _PIECE[:rest], piece=_PIECE, repeat=whole)
    body = _page(name, request.target, request.client, host.title, host.size)
    return Reply(host.status, headers, body)


def notice(host: PageHost) -> Handler:
    """Give the handler of a block page's host: the same short page for every name and path."""
    title, text = html.escape(host.title), html.escape(host.body)
    body = f"<html><head><title>{title}</title></head><body><p>{text}</p></body></html>\n".encode()
    headers = (("Server", "nginx"), ("Content-Type", "text/html; charset=utf-8"))
    return lambda request: Reply(200, headers, body)
