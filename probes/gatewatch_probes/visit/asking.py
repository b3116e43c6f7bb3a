"""One test helper, asked once: its answer, or why there is none.  Not a probe, a part of control.

A helper that does not answer may be down, or blocked like what it would speak for.  What tells: its name is
lied about; its address answers, but not to its name (another name goes through); its certificate is
another's; it is there and says that it is busy.  A silent address tells nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import trio

from gatewatch.net import secure, stream, transfer
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url
from gatewatch.net.wire import Wire
from gatewatch.records import control
from gatewatch.records import failure as f
from gatewatch_probes.resolve import Found
from gatewatch_probes.visit.again import reach

#: What became of it.  ``blocked``: interfered with on the way.  ``unreachable``: down or blocked, nothing
#: tells which.  ``no_name``: no address is known.  ``busy``, ``broken``: it answered, but not the question.
#: ``slow``: it took the question, and no answer came in time.
State = Literal["asked", "answered", "blocked", "unreachable", "no_name", "busy", "broken", "slow"]

# A name that no censor minds and every server may be asked for (OONI tlsmiddlebox's control).
CONTROL_SNI = "example.com"
# How a TLS handshake ends that somebody on the way has ended.
_CUT = frozenset({f.CONNECTION_RESET, f.EOF, f.GENERIC_TIMEOUT, "timed_out"})
_FOREIGN = frozenset({f.SSL_UNKNOWN_AUTHORITY, f.SSL_INVALID_HOSTNAME})
# 429 and 503: a helper's ways to say that it has enough to do.
_BUSY = frozenset({429, 503})


@dataclass(slots=True, eq=False)
class Attempt:
    """One helper being asked.  ``rtt`` and ``runtime`` in seconds: to its address, and to its answer."""

    helper: str
    #: The question is on its way: from now on, time passes on the helper's side.
    reached: trio.Event = field(default_factory=trio.Event)
    over: trio.Event = field(default_factory=trio.Event)
    answer: dict[str, Any] | None = None
    failure: str | None = None
    state: State = "asked"
    #: The system's answer to its name was another than the one over HTTPS.
    lied: bool = False
    address: str | None = None
    rtt: float | None = None
    runtime: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Give what the record says of it."""
        return {
            "helper": self.helper,
            "state": self.state,
            "failure": self.failure,
            "name_lied_about": self.lied,
            "rtt": self.rtt,
            "runtime": self.runtime,
        }

    async def run(self, wire: Wire, url: Url, found: Found, request: dict[str, Any]) -> None:
        """Ask; within the wire's limit for helpers."""
        began = trio.current_time()
        self.lied = bool(found.trusted and found.system) and not set(found.trusted) & set(found.system)
        self.failure = f.GENERIC_TIMEOUT
        try:
            with trio.move_on_after(wire.limits.helper):
                await self._ask(wire, url, found, request)
        finally:
            self.runtime = round(trio.current_time() - began, 3)
            if self.answer is None and self.state == "asked":
                self.state = "slow" if self.reached.is_set() else "unreachable"
            self.over.set()
        if self.answer is None and self.state == "unreachable" and self.address and self.failure in _CUT:
            await self._ask_by_another_name(wire, url)

    async def _ask(self, wire: Wire, url: Url, found: Found, request: dict[str, Any]) -> None:
        # What cannot be forged comes first: a lie would cost a time-out.
        order = dict.fromkeys((*found.trusted, *found.all))
        addresses = [a for a in order if wire.usable(a) or is_address(url.host)]
        if not addresses:
            self.state, self.failure = "no_name", f.DNS_NXDOMAIN
            return
        for address in addresses:
            # What happens between us and the helper is no measurement of the target.
            aside = Journal()
            connection = await reach(aside, wire, url, address, ())
            if aside.connects and aside.connects[-1].status.success:
                self.address = address
                self.rtt = round((aside.connects[-1].t or 0) - (aside.connects[-1].t0 or 0), 6)
            if connection is not None:
                await self._post(aside, connection, url, request)
                return
            if aside.handshakes:
                self.failure = aside.handshakes[-1].failure
                self.state = "blocked" if self.failure in _FOREIGN else "asked"
            elif aside.connects:
                self.failure = aside.connects[-1].status.failure

    async def _post(
        self, aside: Journal, connection: Stream | secure.SecureStream, url: Url, request: dict[str, Any]
    ) -> None:
        self.reached.set()
        try:
            got = await transfer.exchange(
                aside,
                connection,
                url,
                method="POST",
                headers=(("User-Agent", "gatewatch"), ("Content-Type", "application/json")),
                body=json.dumps(request).encode(),
            )
        finally:
            connection.close()
        code = got.record.response.code if got.record.response is not None else 0
        if got.failure is not None:
            self.failure = got.failure
        elif code != 200:
            self.state, self.failure = "busy" if code in _BUSY else "broken", f.HTTP_UNEXPECTED_STATUS
        else:
            self._read(got.raw_body)

    def _read(self, body: bytes) -> None:
        """Take the answer, if it is one: what has another shape is no helper's."""
        self.state, self.failure = "broken", f.JSON_PARSE_ERROR
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):  # a hostile answer may also be nested without end
            return
        if control.well_formed(value):
            self.answer, self.state, self.failure = value, "answered", None

    async def _ask_by_another_name(self, wire: Wire, url: Url) -> None:
        """See whether its address speaks TLS to another name: then its own is what is cut."""
        assert self.address is not None
        if url.scheme != "https" or is_address(url.host):
            return
        with trio.move_on_after(wire.limits.handshake):
            tcp, _ = await stream.connect(Journal(), self.address, url.port)
            if tcp is None:
                return
            try:
                _, failure = await secure.handshake(Journal(), tcp, wire.trust, CONTROL_SNI)
            finally:
                tcp.close()
            # Any certificate, and any alert about the name, comes from a server that has heard us.
            if failure not in _CUT:
                self.state = "blocked"
