"""What a line does to requests: a helper's echoes, odd first lines, known pages.  Not a probe.

A part of middlebox, done once a run: the line is the same for every target.
"""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlsplit

from gatewatch.net.transfer import BROWSER_HEADERS
from gatewatch_probes.connect import to_try
from gatewatch_probes.resolve import look_up
from gatewatch_probes.visit.raw import Requests, handshake_time, spell
from gatewatch_targets import beacons

# Helpers asked for an echo; OONI's have none.
HELPERS = 3
# Handshakes of which the shortest is a page's distance.
HANDSHAKES = 3
# Above what Apache (LimitRequestLine, 8190) and nginx (8k) read, below the echo's own limit.
_LONG = 10_000
_CHANGES = 32


class Line:
    """One look at the line."""

    def __init__(self, do: Requests) -> None:
        self._do = do

    async def look(self) -> None:
        """Ask the helpers for an echo, and the known pages."""
        for text in (*self._do.wire.helpers, *self._do.wire.domestic_helpers)[:HELPERS]:
            parts = urlsplit(text)
            host, port = parts.hostname or "", 80
            if parts.scheme == "http":
                port = parts.port or 80
            addresses = (
                to_try(self._do.wire, await look_up(self._do.journal, self._do.wire, host, ()))
                if host
                else ()
            )
            if addresses and await self._echo(host, addresses[0], port):
                break
        for beacon in beacons():
            await self._beacon(urlsplit(beacon.url).hostname or "", urlsplit(beacon.url).path)

    async def _addresses(self, host: str) -> tuple[str, ...]:
        return to_try(self._do.wire, await look_up(self._do.journal, self._do.wire, host, ()))

    async def _echo(self, host: str, address: str, port: int) -> bool:
        """Have a request told back; odd ones only where that works."""
        token = f"{self._do.chance.getrandbits(48):012x}"
        names = [("Host", host), *BROWSER_HEADERS, (f"X-{token[:6]}", token), ("Connection", "close")]
        fields = [(self._do.letters(name), value) for name, value in names]
        first = f"GET /echo?{token} HTTP/1.1"
        said = await self._do.ask("echo", host, address, port, spell(first, fields))
        got = _told(said.body)
        if got is None:
            return False
        self._do.rows[-1] = replace(
            self._do.rows[-1], outcome="echoed", changes=_changes(first, fields, *got)
        )
        method = "".join(self._do.chance.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4))
        for kind, line in (
            ("invalid_method", f"{method} /echo?{token} HTTP/1.1"),
            ("invalid_fields", f"GET /echo?{token} {method} {method} HTTP/1.1"),
            ("invalid_long", f"GET /echo?{token}{'a' * _LONG} HTTP/1.1"),
        ):
            plain = [("Host", host), ("Connection", "close")]
            said = await self._do.ask(kind, host, address, port, spell(line, plain))
            got = _told(said.body)
            if got is not None:
                changes = ("request line",) if got[0] != line else ()
                self._do.rows[-1] = replace(self._do.rows[-1], outcome="echoed", changes=changes)
        return True

    async def _beacon(self, host: str, path: str) -> None:
        addresses = await self._addresses(host)
        if not addresses:
            return
        fields = [("Host", host), ("Connection", "close")]
        times = [
            await handshake_time(self._do.journal, self._do.wire, addresses[0], 443)
            for _ in range(HANDSHAKES)
        ]
        shortest = min((time for time in times if time is not None), default=None)
        for kind, line in (
            ("beacon", f"GET {path} HTTP/1.1"),
            ("beacon_invalid", f"GET {path} a b HTTP/1.1"),
        ):
            await self._do.ask(kind, host, addresses[0], 80, spell(line, fields))
            self._do.rows[-1] = replace(self._do.rows[-1], connect_tls=shortest)


def _told(body: bytes) -> tuple[str, list[tuple[str, str]]] | None:
    """Read an echo: the first line and the header lines as they arrived; None for anything else."""
    try:
        value = json.loads(body)
        line, rows = value["request_line"], value["headers_list"]
        pairs = [(str(name), str(text)) for name, text in rows[:256]]
        peer_port = value["peer_port"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (line, pairs) if isinstance(line, str) and isinstance(peer_port, int) else None


def _changes(
    line: str, sent: list[tuple[str, str]], told_line: str, told: list[tuple[str, str]]
) -> tuple[str, ...]:
    """Say what arrived otherwise than it was sent; names only, since values hold the client's address."""
    found = ["request line"] if told_line != line else []
    ours, theirs = {n.lower(): (n, v) for n, v in sent}, {n.lower(): (n, v) for n, v in told}
    found += [f"removed {name}" for name in ours if name not in theirs]
    found += [f"added {name[:40]}" for name in theirs if name not in ours]
    shared = [name for name in ours if name in theirs]
    if any(ours[name][0] != theirs[name][0] for name in shared):
        found.append("spelling of names")
    found += [f"value of {name}" for name in shared if ours[name][1].strip() != theirs[name][1].strip()]
    if shared != [name for name in theirs if name in ours]:
        found.append("order")
    return tuple(text for text in found if text.isprintable())[:_CHANGES]
