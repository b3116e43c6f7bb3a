"""Malicious sites, the same in every scenario: whoever fetches for others must survive all of them.

Names that resolve to private addresses, redirects that lead there or nowhere, bodies that do not end,
compressed ones that unfold to a thousand times their size, helpers whose JSON is none.  All under one domain,
which nobody's list holds; a ``[[host]]`` with a ``trap`` is one of them by another name.  What goes wrong
below HTTP is in :mod:`gatewatch.lab.servers.floods` and :mod:`gatewatch.lab.servers.floods_quic`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from gatewatch.lab.servers.floods import CERTIFICATES, HTTP, TLS
from gatewatch.lab.servers.http import Reply, Request
from gatewatch.records import control

if TYPE_CHECKING:
    from gatewatch.lab.country.scenario import Scenario

DOMAIN: Final = "lab-trap.net"

#: Names that resolve to where no public name may.
PRIVATE: Final = {
    f"loopback.{DOMAIN}": ("127.0.0.1",),
    f"home.{DOMAIN}": ("192.168.1.1",),
    f"office.{DOMAIN}": ("10.0.0.1", "172.16.0.1"),
    f"metadata.{DOMAIN}": ("169.254.169.254",),
    f"shared.{DOMAIN}": ("100.64.0.1",),
    f"nobody.{DOMAIN}": ("0.0.0.0",),
    f"loopback6.{DOMAIN}": ("::1",),
    f"mapped.{DOMAIN}": ("::ffff:127.0.0.1",),
    f"unique.{DOMAIN}": ("fd00::1",),
}
# What a redirect may lead to, by the first label of the name that redirects there.
_LEADS_TO: Final = {
    "to-loopback": "http://127.0.0.1/",
    "to-port": "http://127.0.0.1:8080/",
    "to-private": "http://10.0.0.1/",
    "to-metadata": "http://169.254.169.254/latest/meta-data/",
    "to-ipv6": "http://[::1]/",
    "to-mapped": "http://[::ffff:7f00:1]/",
    "to-decimal": "http://2130706433/",
    "to-octal": "http://0177.0.0.1/",
    "to-name": f"http://loopback.{DOMAIN}/",
    "to-file": "file:///etc/passwd",
    "to-gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "to-ssh": "http://live.com:22/",
    "to-nowhere": "http://",
    # Around and around, by way of each other.
    "loop": f"http://pool.{DOMAIN}/",
    "pool": f"http://loop.{DOMAIN}/",
}
# 256 MiB of zeros are 260 KB compressed, the best that deflate can do.
_UNFOLDED, _PART = 256 << 20, 1 << 20
# 10 GB, made as it is sent.
_PIECE = b"There is always more where this came from. " * 1500
_PIECES = 10_000_000_000 // len(_PIECE)
_FOR_EVER = 1e6


@cache
def bomb() -> bytes:
    """Give a small gzip body that unfolds to 256 MiB."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(_PART)
    return b"".join([squeeze.compress(zeros) for _ in range(_UNFOLDED // _PART)] + [squeeze.flush()])


def _bomb(_: Request) -> Reply:
    return Reply(200, (("Content-Encoding", "gzip"), ("Content-Type", "text/html")), bomb())


def _endless(_: Request) -> Reply:
    return Reply(200, (("Content-Type", "text/html"),), piece=_PIECE, repeat=_PIECES)


def _silent(_: Request) -> Reply:
    return Reply(200, delay=_FOR_EVER)


def _headers(_: Request) -> Reply:
    return Reply(200, tuple((f"X-{n}", "x" * 100) for n in range(2000)), b"many headers")


def _cookies(request: Request) -> Reply:
    more = tuple(("Set-Cookie", f"c{n}={'x' * 3000}") for n in range(20))
    return Reply(302, (("Location", f"http://{request.host}/again"), *more))


def _redirects(location: Callable[[Request, int], str], delay: float = 0.0) -> Callable[[Request], Reply]:
    """Give a site that leads on from each page to another, counted in the query."""

    def respond(request: Request) -> Reply:
        count = request.target.rpartition("?")[2]
        number = int(count) + 1 if count.isdecimal() else 1
        return Reply(302, (("Location", location(request, number)),), delay=delay)

    return respond


def _slowly_to_silence(request: Request) -> Reply:
    """Four redirects as slow as may be, and then nothing: each step takes all the time that it has."""
    reply = _SLOWLY(request)
    return reply if request.target.rpartition("?")[2] != "4" else Reply(200, delay=_FOR_EVER)


def _parent(request: Request) -> str:
    """The name below which ever new hosts are made up."""
    return request.host.partition(".")[2] if request.host.startswith("new") else request.host


_SLOWLY = _redirects(lambda request, n: f"http://new{n}.{_parent(request)}/?{n}", delay=8.0)


def _flip(request: Request, number: int) -> str:
    return f"{'http' if request.scheme == 'https' else 'https'}://{request.host}/?{number}"


def _json(text: bytes) -> Reply:
    return Reply(200, (("Content-Type", "application/json"),), text)


@cache
def _wide() -> bytes:
    """An answer of the right shape with 6,000 addresses in it, as many as a response may hold."""
    many = [str(ip_address(0x68100000 + n)) for n in range(6000)]
    return json.dumps(
        control.answer(
            names=(tuple(many), None),
            flags=dict.fromkeys(many, control.VALID),
            asns={},
            tcp={},
            tls={},
            http=control.fetched(200, [("Server", "trap")], b"<title>trap</title>"),
            quic={},
        )
    ).encode()


_SITES: Final[dict[str, Callable[[Request], Reply]]] = {
    "bomb": _bomb,
    "endless": _endless,
    "silent": _silent,
    "headers": _headers,
    "cookies": _cookies,
    # Ever on: to another page, to another host, there slowly, up and down, between the schemes.
    "redirect-pages": _redirects(lambda request, n: f"/?{n}"),
    "redirect-hosts": _redirects(lambda request, n: f"http://new{n}.{_parent(request)}/?{n}"),
    "redirect-slow": _SLOWLY,
    "redirect-to-silence": _slowly_to_silence,
    "redirect-relative": _redirects(lambda request, n: f"../../a/../b/./?{n}"),
    "redirect-schemes": _redirects(_flip),
    "redirect-long": _redirects(lambda request, n: f"http://{request.host}/{'x' * 60_000}?{n}"),
    "redirect-label": _redirects(lambda request, n: f"http://{'a' * 70}.com/?{n}"),
    # What a helper may say.
    "json-garbage": lambda request: _json(b"\xff\xfe{" + bytes(1000)),
    "json-deep": lambda request: _json(b"[" * 400_000),
    "json-huge": lambda request: Reply(200, piece=b'{"a": [' + b"0, " * 5000, repeat=1_000_000),
    "json-wide": lambda request: _json(_wide()),
    "json-empty": lambda request: _json(b"{}"),
}

#: Every site that is a trap, by host name; :data:`gatewatch.lab.country.traps.TRAPS` says what each does.
NAMES: Final = tuple(f"{label}.{DOMAIN}" for label in (*_LEADS_TO, *_SITES, *HTTP, *TLS, *CERTIFICATES))


def labelled(name: str) -> str:
    """Give which trap a name under the domain is; "" for every other site."""
    label = name.removesuffix(f".{DOMAIN}")
    return label.rpartition(".")[2] if label != name else ""


def trap_of(scenario: Scenario, name: str) -> str:
    """Give which trap a name is in a scenario, "" for every other site."""
    pinned = scenario.host(name)
    return pinned.trap if pinned is not None and pinned.trap else labelled(name)


def trap(label: str, request: Request) -> Reply | None:
    """Give the reply of a trap, None for every other site."""
    if label in _SITES:
        return _SITES[label](request)
    location = _LEADS_TO.get(label)
    return Reply(302, (("Location", location),)) if location else None
