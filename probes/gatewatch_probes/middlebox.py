"""middlebox: does a proxy rewrite plain HTTP on this line, and does a filter read the Host header?

Method: of a helper that tells requests back (`gatewatch helper serve --echo-port 80`), header names in
random letters and odd first lines: an unknown method, too many fields, 10,000 bytes.  Of pages whose answer
is known, an odd first line too, timed against handshakes with port 443 of the same address: no server answers
sooner than a packet travels.  Of the target's own address, its name as Host in other letters, and where its
plain name was cut or answered otherwise, with a final dot, behind a tab, behind another name; before what was
cut is repeated another name must pass, since filters go on blocking for a while.
Traffic: once a run at most 3 requests to helpers, 3 odd ones, 4 to known pages, 6 handshakes; 3 requests to
each target, at most 16 where something is found: 5 to 40 KB, with pages as long as the target's up to more.
Risk: odd requests stand out to whoever watches, and a blocked name is repeated up to ten times in minutes.
Reference: OONI http_header_field_manipulation, http_invalid_request_line, http_host; RFC 9112 3, 5.1.
"""

from __future__ import annotations

import random
from dataclasses import replace

import trio

from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.residual import wait_until_clear
from gatewatch.net.transfer import BROWSER_HEADERS
from gatewatch.net.wire import Wire
from gatewatch.records import OddRequest, ResidualWait, TestKeys, encode
from gatewatch.verdict.evidence.middlebox import alike, early
from gatewatch_probes.connect import to_try
from gatewatch_probes.resolve import look_up
from gatewatch_probes.visit.echoes import Line
from gatewatch_probes.visit.neutral import control_name_for
from gatewatch_probes.visit.raw import Requests, spell
from gatewatch_targets import Target

_VARIANTS = ("host_name_case", "host_tab", "host_dot", "host_twice")
CUT = frozenset({"reset", "eof", "timeout"})


class Middlebox:
    """The probe."""

    name = "middlebox"
    test_name = "middlebox"
    version = "0.1.0"
    risk = "medium"
    typical_bytes = 30_000
    typical_packets = 85
    #: Long enough for pauses of 30, 60, 90 and 180 s.
    seconds = 900.0

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._line: tuple[OddRequest, ...] | None = None  # what this run has found out about the line
        self._asking = trio.Lock()

    def fits(self, target: Target) -> bool:
        """Tell whether a target has a name to send, on a port where plain HTTP may be."""
        return not is_address(target.host) and (target.scheme == "http" or target.port == 443)

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Look at the line, once a run, and at how the target's name is read."""
        do = Requests(Journal(), wire, self._random)
        async with self._asking:
            if self._line is None:
                await Line(do).look()
                self._line = tuple(replace(row, t=None, transaction_id=0) for row in do.rows)
            else:
                do.rows.extend(self._line)
        names = _Names(do)
        await names.try_at(target)
        return do.journal.keys(
            x_gatewatch_middlebox=[encode(row) for row in do.rows],
            x_gatewatch_residual=[encode(wait) for wait in names.waits],
        )


class _Names:
    """The target's name at its own address."""

    def __init__(self, do: Requests) -> None:
        self._do = do
        self.waits: list[ResidualWait] = []
        self._triggered: float | None = None  # when a name was last cut

    async def try_at(self, target: Target) -> None:
        """Send the target's name to its own address, as it is and in other spellings."""
        host = target.host
        port = target.port if target.scheme == "http" else 80
        found = await look_up(self._do.journal, self._do.wire, host, ())
        for address in to_try(self._do.wire, found)[:2]:
            if not await self._passes(host, address, port):
                continue
            plain = await self._host("host", host, address, port)
            odd = await self._host("host_case", host, address, port)
            if plain is None or odd is None:
                return
            if plain.outcome == "answered" and alike(plain, odd) and not early(plain):
                return
            for kind in ("host", *_VARIANTS):
                await self._host(kind, host, address, port)
            return

    async def _passes(self, host: str, address: str, port: int) -> bool:
        other = control_name_for(host)
        fields = [("Host", other), *BROWSER_HEADERS, ("Connection", "close")]
        await self._do.ask("host_control", other, address, port, spell("GET / HTTP/1.1", fields))
        return self._do.rows[-1].outcome == "answered"

    async def _host(self, kind: str, host: str, address: str, port: int) -> OddRequest | None:
        """Send one spelling, once the way is clear; None where it did not become so."""
        if self._triggered is not None:
            waited = await wait_until_clear(lambda: self._passes(host, address, port), since=self._triggered)
            self.waits.append(replace(waited, address=address, port=port))
            if not waited.passed:
                return None
            self._triggered = None
        fields = [("Host", host)]
        if kind == "host_case":
            fields = [("Host", self._do.letters(host))]
        elif kind == "host_name_case":
            fields = [("hOsT", host)]
        elif kind == "host_dot":
            fields = [("Host", f"{host}.")]
        elif kind == "host_tab":
            fields = [("Host", f"\t{host}")]
        elif kind == "host_twice":
            fields = [("Host", control_name_for(host)), ("Host", host)]
        sent = trio.current_time()
        request = spell("GET / HTTP/1.1", [*fields, *BROWSER_HEADERS, ("Connection", "close")])
        await self._do.ask(kind, host, address, port, request)
        if self._do.rows[-1].outcome in CUT:
            self._triggered = sent
        return self._do.rows[-1]
