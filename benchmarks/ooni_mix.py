"""What happens in the benchmark's measurements: the mix, by share, with OONI's words for each.

90 of 100 are what most of OONI's data is: 55 https pages that load, 12 http pages that redirect to https, 5
that redirect to www., 7 plain http pages, 3 sites dead for the control as well, 5 pages over https and 1 over
http whose control failed, 2 servers' own challenges.  10 are anomalies of all methods of OONI's acceptance
suite, and captive portals (``ANOMALIES``).  A fifth of the names have IPv6 addresses; on one line in three
these are unreachable.  Half are test version 0.4.3, half 0.5.28.  No two have a host, an address, a body or a
certificate in common, so that nothing is won by remembering them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.ooni_records import record
from benchmarks.ooni_sites import Site, World, answer, no_page
from benchmarks.ooni_visits import Hop, Lookup, Page, Visit, endpoint

_TIMEOUT, _RESET, _REFUSED, _EOF = (
    *("generic_timeout_error", "connection_reset", "connection_refused", "eof_error"),
)
_NXDOMAIN = "dns_nxdomain_error"
_PORTS = {"http": 80, "https": 443}
VERSIONS = ("0.4.3", "0.5.28")

#: Shares of the whole, in thousandths; each names a method of :class:`Scenes`.
WELL = {
    "secure": 550,
    "upgraded": 120,
    "renamed": 50,
    "plain": 70,
    "secure_alone": 50,
    "plain_alone": 10,
    "gone": 15,
    "refusing": 15,
    "challenge": 20,
}
ANOMALIES = {
    "nxdomain": 12,
    "android": 3,
    "bogon": 8,
    "localhost": 3,
    "silent": 4,
    "stranger": 6,
    "notice_by_dns": 4,
    "proxied": 3,
    "ghost": 2,
    "portal": 1,
    "tcp": 12,
    "tls": 16,
    "bad_certificate": 4,
    "http": 5,
    "blockpage": 5,
    "different": 3,
    "truncated": 2,
    "slow": 2,
    "behind_redirect": 4,
    "endless": 1,
}


def lines(count: int, seed: int, days: int = 28) -> Iterator[bytes]:
    """Give so many measurements of the mix, one line each; fewer days make fewer parts of a dataset."""
    scenes = Scenes(World(seed, days))
    shares = {**WELL, **ANOMALIES}
    rng = scenes.rng
    for name in rng.choices(list(shares), list(shares.values()), k=count):
        yield record(scenes.make(name), rng.choice(VERSIONS), rng)


def each(count: int, seed: int) -> Iterator[bytes]:
    """Give so many measurements of each kind and version."""
    scenes = Scenes(World(seed))
    for name in (*WELL, *ANOMALIES):
        for version in VERSIONS:
            for _ in range(count):
                yield record(scenes.make(name), version, scenes.rng)


class Scenes:
    """What may happen; each method without an underscore makes one measurement."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng

    def make(self, name: str) -> Visit:
        """Make a measurement of a kind."""
        scene: Callable[[], Visit] = getattr(self, f"_{name}")
        return scene()

    def _hop(
        self,
        site: Site,
        scheme: str = "https",
        *,
        page: Page | None = None,
        system: Lookup | None = None,
        others: Lookup | None = None,
        tcp: str | None = None,
        tls: str | None = None,
        http: str | None = None,
        path: str = "/",
    ) -> Hop:
        """One hop of a site: all is well but for what is said."""
        seen = system or Lookup(site.addresses)
        six = None if self.rng.random() < 0.67 else "network_unreachable"
        connects = {a: tcp or (six if ":" in a else None) for a in seen.addresses}
        reached = [a for a, failure in connects.items() if failure is None]
        fetched: tuple[str, str | None, Page | None] | None = None
        if reached and not tls:
            good = page or Page(200, site.headers, site.body)
            fetched = (reached[0], http, None if http else good)
        return Hop(
            url=f"{scheme}://{site.host}{path}",
            host=site.host,
            port=_PORTS[scheme],
            system=seen,
            others=others or Lookup(site.addresses),
            tcp=connects,
            tls=dict.fromkeys(reached, tls) if scheme == "https" else {},
            fetched=fetched,
        )

    def _one(self, scheme: str, blocking: Any, **about: Any) -> Visit:
        """A visit of one hop, of a site that is well for the control."""
        site = self.world.site()
        seen = answer(site, port=_PORTS[scheme])
        return self.world.visit([self._hop(site, scheme, **about)], seen, blocking)

    def _moved(self, to: str) -> Page:
        return Page(301, {**self.world.headers(0), "Location": to})

    # What is well.

    def _secure(self) -> Visit:
        return self._one("https", False)

    def _plain(self) -> Visit:
        return self._one("http", False)

    def _upgraded(self) -> Visit:
        site = self.world.site()
        first = self._hop(site, "http", page=self._moved(f"https://{site.host}/"))
        return self.world.visit([first, self._hop(site)], answer(site, port=80))

    def _renamed(self) -> Visit:
        site, other = self.world.site(), self.world.site()
        other.host = f"www.{site.host}"
        first = self._hop(site, page=self._moved(f"https://{other.host}/"))
        http = answer(other)["http_request"]
        return self.world.visit([first, self._hop(other)], answer(site, http_request=http))

    def _secure_alone(self) -> Visit:
        return self.world.visit([self._hop(self.world.site())], None, None)

    def _plain_alone(self) -> Visit:
        return self.world.visit([self._hop(self.world.site(), "http")], None, None)

    def _gone(self) -> Visit:
        site, no_name = self.world.site(), Lookup((), _NXDOMAIN)
        return self.world.visit([self._hop(site, system=no_name, others=no_name)], self._nothing(site))

    def _nothing(self, site: Site) -> dict[str, Any]:
        """The control knows no such name."""
        dns = {"failure": "dns_name_error", "addrs": []}
        http = no_page("dns_lookup_error")
        return answer(site, dns=dns, tcp_connect={}, tls_handshake={}, ip_info={}, http_request=http)

    def _refusing(self) -> Visit:
        site, word = self.world.site(), "connection_refused_error"
        tcp = {endpoint(a, 443): {"status": False, "failure": word} for a in site.addresses}
        seen = answer(site, tcp_connect=tcp, tls_handshake={}, http_request=no_page(word))
        return self.world.visit([self._hop(site, tcp=_REFUSED)], seen)

    def _challenge(self) -> Visit:
        site = self.world.site()
        body = f"<html><title>Just a moment...</title>{site.body[:400]}"
        page = Page(503, {**site.headers, "Server": "cloudflare"}, body)
        return self.world.visit([self._hop(site, page=page)], answer(site))

    # Names.

    def _nxdomain(self) -> Visit:
        return self._one("https", "dns", system=Lookup((), _NXDOMAIN))

    def _android(self) -> Visit:
        return self._one("https", "dns", system=Lookup((), "android_dns_cache_no_data"))

    def _silent(self) -> Visit:
        return self._one("https", "dns", system=Lookup((), _TIMEOUT))

    def _bogon(self) -> Visit:
        return self._one("https", "dns", system=Lookup(("10.10.34.35",)), tcp=_TIMEOUT)

    def _localhost(self) -> Visit:
        return self._one("https", "dns", system=Lookup(("127.0.0.1",)), tcp=_REFUSED)

    def _elsewhere(self) -> Lookup:
        return Lookup((self.world.address(),))

    def _stranger(self) -> Visit:
        return self._one("https", "dns", system=self._elsewhere(), tls="ssl_invalid_hostname")

    def _notice_by_dns(self) -> Visit:
        inside = self._elsewhere()
        visit = self._one("http", "dns", system=inside, page=self._notice())
        visit.asns[inside.addresses[0]] = visit.asn
        return visit

    def _proxied(self) -> Visit:
        inside = self._elsewhere()
        visit = self._one("https", "dns", system=inside)
        visit.asns[inside.addresses[0]] = visit.asn
        return visit

    def _ghost(self) -> Visit:
        site, nothing = self.world.site(), Lookup((), _NXDOMAIN)
        hop = self._hop(site, "http", system=self._elsewhere(), others=nothing, page=self._notice())
        return self.world.visit([hop], self._nothing(site), "dns")

    # Connections and pages.

    def _tcp(self) -> Visit:
        how = self.rng.choice((_TIMEOUT, _TIMEOUT, _REFUSED, _RESET, "host_unreachable"))
        return self._one(self.rng.choice(("http", "https")), "tcp_ip", tcp=how)

    def _tls(self) -> Visit:
        how = self.rng.choice((_RESET, _RESET, _TIMEOUT, _EOF, "ssl_unknown_authority"))
        return self._one("https", "http-failure", tls=how)

    def _bad_certificate(self) -> Visit:
        site = self.world.site()
        word = self.rng.choice(("ssl_unknown_authority", "ssl_invalid_hostname", "ssl_invalid_certificate"))
        shaken = {"server_name": site.host, "status": False, "failure": word}
        tls = {endpoint(a, 443): shaken for a in site.addresses}
        seen = answer(site, tls_handshake=tls, http_request=no_page("unknown_error"))
        return self.world.visit([self._hop(site, tls=word)], seen)

    def _http(self) -> Visit:
        return self._one("http", "http-failure", http=self.rng.choice((_RESET, _RESET, _TIMEOUT, _EOF)))

    def _portal(self) -> Visit:
        login = f"http://login.{self.rng.choice(self.world.words)}.net/?uamip=10.1.0.1&res=notyet"
        return self._one("http", "http-diff", page=self._moved(login))

    def _notice(self) -> Page:
        title = self.rng.choice(("Blocked", "403 Forbidden", "Access denied"))
        text = " ".join(self.rng.choices(self.world.words, k=12))
        body = f"<html><head><title>{title}</title></head><body><p>{text} by order</p></body></html>"
        return Page(200, {"Content-Type": "text/html", "Content-Length": str(len(body))}, body)

    def _blockpage(self) -> Visit:
        return self._one("http", "http-diff", page=self._notice())

    def _different(self) -> Visit:
        other = self.world.site()
        return self._one("http", "http-diff", page=Page(200, {"Content-Type": "text/html"}, other.body))

    def _truncated(self) -> Visit:
        site = self.world.site()
        page = Page(200, site.headers, site.body[:900], truncated=True)
        return self.world.visit([self._hop(site, "http", page=page)], answer(site, port=80))

    def _slow(self) -> Visit:
        site = self.world.site()
        hop = self._hop(site)
        if hop.fetched is not None:
            part = Page(200, site.headers, site.body[:300], truncated=True)
            hop.fetched = (hop.fetched[0], _TIMEOUT, part)
        return self.world.visit([hop], answer(site), "http-failure")

    def _behind_redirect(self) -> Visit:
        short, site = self.world.site(), self.world.site()
        first = self._hop(short, page=self._moved(f"http://{site.host}/x"))
        failure = self.rng.choice((_NXDOMAIN, _REFUSED, _RESET, _EOF, _TIMEOUT))
        if failure == _NXDOMAIN:
            second = self._hop(site, "http", system=Lookup((), _NXDOMAIN), path="/x")
        elif failure == _REFUSED:
            second = self._hop(site, "http", tcp=_REFUSED, path="/x")
        else:
            second = self._hop(site, "http", http=failure, path="/x")
        if second.fetched is None:
            # 0.4 writes a request for each redirect, whatever stopped it.
            second.fetched = ("", failure, None)
        seen = answer(short, http_request=answer(site)["http_request"])
        return self.world.visit([first, second], seen, "http-failure")

    def _endless(self) -> Visit:
        site = self.world.site()
        hops = []
        for n in range(4):
            to = self._moved(f"http://{site.host}/{n + 1}")
            hops.append(self._hop(site, "http", page=to, path=f"/{n}"))
        stopped = "unknown_failure: stopped after too many redirects"
        hops.append(self._hop(site, "http", http=stopped, path="/4"))
        return self.world.visit(hops, answer(site, port=80, http_request=no_page("unknown_error")))
