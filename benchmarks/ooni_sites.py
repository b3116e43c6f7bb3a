"""Made-up sites for the benchmark's measurements, who measures them, and what a control says of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from benchmarks.ooni_visits import Hop, Visit, endpoint

_VANTAGES = (
    ("KH", 38623, "Viettel (Cambodia)"),
    ("KH", 17976, "CAMGSM Company Ltd"),
    ("TH", 17552, "True Internet"),
    ("MY", 4788, "TM Technology"),
    ("NP", 17501, "Worldlink"),
    ("IT", 137, "Consortium GARR"),
    ("US", 7922, "Comcast"),
    ("IR", 58224, "TCI"),
    ("IN", 55836, "Jio"),
    ("RU", 12389, "Rostelecom"),
)
_SYLLABLES = ("ba", "chi", "dor", "fen", "gal", "hup", "jin", "ke", "kol", "lo", "mar", "mi", "nes", "nu")
_TAGS = ("div", "p", "a", "li", "span", "script", "img", "h2", "td", "section")
_LAST = ("com", "org", "net", "info")


@dataclass(slots=True)
class Site:
    """A made-up site: everything about it is its own."""

    host: str
    four: tuple[str, ...]
    six: tuple[str, ...]
    asn: int
    title: str
    body: str
    headers: dict[str, str]

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of its addresses."""
        return self.four + self.six


class World:
    """Makes sites, and measurements of so many days of a month; the same seed gives the same ones."""

    def __init__(self, seed: int, days: int = 28) -> None:
        self.rng = random.Random(seed)
        self._days = days
        parts = self.rng.choices(_SYLLABLES, k=9000)
        self.words = ["".join(parts[i : i + 3]) for i in range(0, 9000, 3)]

    def address(self) -> str:
        """Make up a public IPv4 address."""
        r = self.rng.getrandbits(24)
        return f"{self.rng.choice((23, 34, 52, 104, 151))}.{r >> 16}.{r >> 8 & 255}.{r & 255}"

    def site(self) -> Site:
        """Make up a site."""
        rng = self.rng
        www = "www." if rng.random() < 0.6 else ""
        title = " ".join(rng.choices(self.words, k=4))
        body = self.page(title, int(rng.lognormvariate(5.6, 0.9)))
        six = f"2606:4700:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}"
        return Site(
            host=f"{www}{rng.choice(self.words)}{rng.randrange(10**6)}.{rng.choice(_LAST)}",
            four=tuple(self.address() for _ in range(rng.choice((1, 1, 1, 1, 1, 2)))),
            six=(six,) if rng.random() < 0.2 else (),
            asn=rng.choice((13335, 16509, 54113, 24940, 14061)),
            title=title,
            body=body,
            headers=self.headers(len(body)),
        )

    def page(self, title: str, size: int) -> str:
        """Make up a page of about so many characters."""
        parts = [f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head><body>']
        for start in range(self.rng.randrange(1200), 2500, 9):
            tag = _TAGS[start % len(_TAGS)]
            text = " ".join(self.words[start : start + 8])
            parts.append(f'<{tag} class="{self.words[start]}">{text}</{tag}>\n')
            size -= 90
            if size < 0:
                break
        return "".join(parts) + "</body></html>"

    def headers(self, length: int) -> dict[str, str]:
        """Make up headers of a response."""
        rng = self.rng
        found = {
            "Cache-Control": "max-age=604800",
            "Content-Type": "text/html; charset=utf-8",
            "Date": f"Wed, 01 May 2024 12:{rng.randrange(60):02}:{rng.randrange(60):02} GMT",
            "Server": rng.choice(("nginx", "cloudflare", "Apache/2.4.57", "AmazonS3")),
            "Vary": "Accept-Encoding",
        }
        if rng.random() < 0.6:
            return found | {"Cf-Ray": f"{rng.getrandbits(64):x}-SIN", "X-Cache": "HIT"}
        return found | {"Content-Length": str(length)}

    def visit(self, hops: list[Hop], control: dict[str, Any] | None, blocking: Any = False) -> Visit:
        """Make a measurement: who made it and when, and OONI's own words for it."""
        rng = self.rng
        country, asn, network = rng.choice(_VANTAGES)
        failure = next((h.system.failure or (h.fetched and h.fetched[1]) for h in hops[::-1]), None)
        day, hour, minute, second = (rng.randrange(n) for n in (self._days, 24, 60, 60))
        return Visit(
            input=hops[0].url,
            hops=hops,
            control=control,
            control_failure=None if control else "connection_reset",
            keys={
                "blocking": blocking,
                "accessible": blocking is False,
                "dns_consistency": "inconsistent" if blocking == "dns" else "consistent",
                "http_experiment_failure": failure,
            },
            country=country,
            asn=asn,
            network=network,
            start=f"2024-05-{day + 1:02} {hour:02}:{minute:02}:{second:02}",
        )


def answer(site: Site, *, port: int = 443, **about: Any) -> dict[str, Any]:
    """What the control said of a site that is well; ``about`` replaces parts of it."""
    shaken = {"server_name": site.host, "status": True, "failure": None}
    found = {
        "tcp_connect": {endpoint(a, port): {"status": True, "failure": None} for a in site.addresses},
        "tls_handshake": {endpoint(a, 443): shaken for a in site.addresses},
        "quic_handshake": {},
        "http_request": {
            "body_length": len(site.body.encode()),
            "discovered_h3_endpoint": "",
            "failure": None,
            "title": site.title,
            "headers": site.headers,
            "status_code": 200,
        },
        "http3_request": None,
        "dns": {"failure": None, "addrs": list(site.addresses)},
        "ip_info": {a: {"asn": site.asn, "flags": 11} for a in site.addresses},
    }
    return found | about


def no_page(failure: str) -> dict[str, Any]:
    """The control's own fetch failed."""
    return {
        "body_length": -1,
        "discovered_h3_endpoint": "",
        "failure": failure,
        "title": "",
        "headers": {},
        "status_code": -1,
    }
