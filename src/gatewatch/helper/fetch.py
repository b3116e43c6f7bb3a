"""The page as the helper sees it: one GET and its redirects, every step past the guard anew."""

from __future__ import annotations

import re
from collections.abc import Sequence

import trio

from gatewatch.helper.way import Way
from gatewatch.net import transfer
from gatewatch.net.errors import translate
from gatewatch.net.response import Malformed, Response
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url, redirected
from gatewatch.records import control
from gatewatch.records import failure as f
from gatewatch.records.control import Json

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Redirects that set a cookie and want it back are common (ooni/probe 2488).  Servers take a header of 8 KB.
_COOKIES_SIZE = 7_000
# What no cookie holds (RFC 6265bis 5.6, CTL but the tab): a lone CR ends a header line at some servers, and
# the next address of a name may be somebody else's.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Where a name has several addresses, none may use up the whole time.
_LEAST_PATIENCE = 3.0


class Cookies:
    """The cookies of one chain of redirects: each goes back to the host that set it."""

    def __init__(self) -> None:
        self._by_host: dict[str, dict[str, str]] = {}

    def take(self, host: str, headers: Sequence[tuple[str, str]]) -> None:
        """Keep what a response sets."""
        kept = self._by_host.setdefault(host, {})
        for key, value in headers:
            name, equals, text = value.partition(";")[0].strip().partition("=")
            if key.lower() == "set-cookie" and equals and name and not _CONTROLS.search(name + text):
                kept[name] = text
                while sum(len(k) + len(v) + 3 for k, v in kept.items()) > _COOKIES_SIZE:
                    del kept[next(iter(kept))]

    def header(self, host: str) -> list[tuple[str, str]]:
        """Give the Cookie header for a request to a host, [] for none."""
        kept = self._by_host.get(host)
        return [("Cookie", "; ".join(f"{k}={v}" for k, v in kept.items()))] if kept else []


async def fetch(way: Way, url: Url, headers: Sequence[tuple[str, str]]) -> Json:
    """GET a URL, follow where it leads, and write what came of it in the protocol's words.

    A body counts up to 512 KiB, decompressed: no probe keeps more of its own to compare it with.
    """
    with trio.move_on_after(way.limits.fetch):
        return await _chain(way, url, headers)
    return control.not_fetched(f.GENERIC_TIMEOUT)


async def _chain(way: Way, url: Url, headers: Sequence[tuple[str, str]]) -> Json:
    cookies = Cookies()
    h3: str | None = None
    for _ in range(control.MAX_REDIRECTS):
        connection, failure = await _reach(way, url)
        if connection is None:
            return control.not_fetched(failure or f.unknown("no address"))
        response = Response()
        sent = [("Host", url.netloc), *headers, ("Accept-Encoding", "gzip"), ("Connection", "close")]
        try:
            request = transfer.head("GET", url, sent + cookies.header(url.host))
            await transfer.converse(connection, request, response)
        except (OSError, Malformed) as error:
            return control.not_fetched(translate(error))
        finally:
            connection.close()
        if h3 is None:
            h3 = control.h3_endpoint(response.headers, url.netloc)
        cookies.take(url.host, response.headers)
        location = next((v for k, v in response.headers if k.lower() == "location"), "")
        if response.code not in _REDIRECTS or not location:
            return control.fetched(response.code, response.headers, response.body, h3)
        try:
            url = redirected(url, location)
        except ValueError:
            return control.not_fetched(f.HTTP_BAD_REDIRECT)
    return control.not_fetched(f.TOO_MANY_REDIRECTS)


async def _reach(way: Way, url: Url) -> tuple[Stream | SecureStream | None, str | None]:
    """Connect to the first address of a URL's host that answers, by TLS for https."""
    addresses, failure = await way.look_up(url.host)
    if not addresses:
        # Whatever went wrong with the name, a fetch calls it by one word.
        return None, f.DNS_TEMPORARY if f.is_timeout(failure) else failure
    usable = [a for a in addresses if way.guard.reachable(a)] or list(addresses)
    patience = max(_LEAST_PATIENCE, way.limits.connect / len(usable))
    for address in usable:
        tcp, failure = await way.connect(address, url.port, patience)
        if tcp is None:
            continue
        if url.scheme == "http":
            return tcp, None
        tls, failure = await way.shake_hands(tcp, url.host)
        return tls, failure
    return None, failure
