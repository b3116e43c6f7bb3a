"""Malicious sites, the same in every scenario: whoever fetches for others must survive all of them.

Names that resolve to private addresses, redirects that lead there, bodies that do not end, compressed ones
that unfold to a thousand times their size, servers that never answer.  All under one domain, which nobody's
list holds.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Final

from gatewatch.lab.servers.http import Reply, Request

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


_SITES: Final[dict[str, Callable[[Request], Reply]]] = {
    "bomb": _bomb,
    "endless": _endless,
    "silent": _silent,
    "headers": _headers,
    "cookies": _cookies,
}

#: Every site that is a trap, by host name.
NAMES: Final = tuple(f"{label}.{DOMAIN}" for label in (*_LEADS_TO, *_SITES))


def trap(host: str, request: Request) -> Reply | None:
    """Give the reply of a trap, None for every other site."""
    label, _, domain = host.partition(".")
    if domain != DOMAIN:
        return None
    if label in _SITES:
        return _SITES[label](request)
    location = _LEADS_TO.get(label)
    return Reply(302, (("Location", location),)) if location else None
