"""The machine's own line: is it up, is it ours, or is a captive portal in the way?

A line that is down makes every site look blocked, and so does one that the run itself has filled.  So it is
looked at before a run, and again whenever a measurement failed and the last good look is older than that
failure: what failed on a dead line is thrown away and measured again, never recorded, and what timed out on a
full one is measured again more slowly.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import trio

from gatewatch.net import lookup, stream, transfer
from gatewatch.net.address import is_bogon
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch.runner.clock import Steady
from gatewatch.words import mark
from gatewatch_targets import Beacon, beacons

# The line is up when any one of several unrelated things answers; a censor blocks some, a cut cable all.
# Anycast resolvers stand in nearly every country, so an answer within this time is no matter of distance.
PATIENCE = 4.0
# While the line is down, how long to wait between looks.
PAUSE = 5.0
# How long to wait for a full line: what is under way then has ended by its own limits.
CALM = 60.0
# How long to wait for a resolver that answered before: one that is restarted is back by then, and what lasts
# longer may be somebody's doing, which is to be measured.
DEAF = 300.0
# A line is full when even the quickest of several answers takes so many times as long as on the quiet line
# before the run, and this many seconds more: modems and routers queue for seconds when more is sent than they
# carry (RFC 7567 1, "bufferbloat"), and no way round the planet varies by a third of a second by itself.
_FULL_TIMES, _FULL_MORE = 3.0, 0.3
# A public address of each family that is only looked up in the routing table: nothing is sent.
_ROUTE_4 = ("8.8.8.8", 53)
_ROUTE_6 = ("2001:4860:4860::8888", 53)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the line found; ``clock_offset`` in seconds, positive when our clock is ahead.

    ``delay`` is how long the quickest answer took, in seconds; ``full``: much longer than on the quiet line.
    """

    route: bool
    answered: tuple[str, ...] = ()
    portal: bool = False
    clock_offset: float | None = None
    delay: float | None = None
    full: bool = False
    #: The system's resolver gave names before, and gives none now.
    deaf: bool = False

    @property
    def up(self) -> bool:
        """Whether measuring makes sense."""
        return bool(self.answered) and not self.portal and not self.deaf

    @property
    def reason(self) -> str:
        """Why not, in one sentence of English that the catalogues have."""
        if not self.route:
            return mark("There is no internet connection: this machine has no route to the outside.")
        if self.portal:
            return mark("A captive portal answers in place of the internet: log in to this network first.")
        if not self.answered:
            return mark("There is no internet connection: none of several well-known servers answers.")
        if self.deaf:
            return mark("The name server of this machine does not answer any more.")
        return _FULL if self.full else mark("The line is up.")


_FULL = mark("This run fills its own line: answers take much longer than before it.")


def has_route(address: tuple[str, int] = _ROUTE_4) -> bool:
    """Tell whether the routing table leads to an address; sends nothing."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(address)
    except OSError as error:
        # Where no file may be opened, nobody knows.
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return True


def has_route6() -> bool:
    """Tell whether the routing table leads to the IPv6 internet; sends nothing."""
    return has_route(_ROUTE_6)


def own_addresses() -> tuple[str, ...]:
    """The addresses that this machine sends from, one of each family; what is to be scrubbed."""
    found = []
    for family, address in ((socket.AF_INET, _ROUTE_4), (socket.AF_INET6, _ROUTE_6)):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect(address)
                found.append(str(sock.getsockname()[0]))
        except OSError:
            continue
    return tuple(found)


class Line:
    """The line during one run.

    ``route`` tells whether there is a way out by IPv4, ``route6`` whether there is one by IPv6 (the lab
    replaces both).  A look sets ``wire.ipv4`` by the route, and ``wire.ipv6`` by what answers: IPv6 is used
    where it was seen to work, since a broken one, of which there are many, looks like blocking.
    """

    def __init__(
        self,
        wire: Wire,
        route: Callable[[], bool] = has_route,
        route6: Callable[[], bool] = lambda: False,
        steady: Steady | None = None,
    ) -> None:
        self._wire = wire
        self._route = route
        self._route6 = route6
        self._lock = trio.Lock()
        #: When the line was last seen up, in trio's time.
        self.seen_up = float("-inf")
        #: When it was last seen down.
        self.seen_down = float("-inf")
        #: Until when it may have been full.
        self.seen_full = float("-inf")
        self._quiet = float("inf")  # the shortest delay of all looks
        self._steady = steady or Steady()
        #: By how many seconds the run's clock is ahead of the world's, as last known.
        self.clock_offset: float | None = None
        # Whether the system's resolver has given a name, and since when it gives none any more.
        self._resolved = False
        self._deaf_since: float | None = None
        self.last: Look | None = None
        self.looks: list[dict[str, Any]] = []
        #: What the last look tried, by what was asked.
        self.tried: dict[str, Journal] = {}

    async def look(self) -> Look:
        """Look once: resolvers over UDP and TCP, and pages whose whole content is known."""
        self.tried = {}
        four, six = self._route(), self._route6()
        if not four and (not six or await _is_translated_in_private()):
            return self._note(Look(route=False))
        answered: list[str] = []
        delays: list[float] = []
        began = trio.current_time()
        pages: list[tuple[bool, float | None]] = []
        resolved: list[bool] = []

        async def question(address: str) -> None:
            # The first question opens the poller, for which there may be no file.
            with trio.move_on_after(PATIENCE), suppress(OSError):
                got = await lookup.udp(
                    self._about(f"tcp://{address}:443"), address, "example.com", window=0.0
                )
                if got[0].rcode is not None:
                    answered.append(f"udp {address}")
                    delays.append(trio.current_time() - began)

        async def connection(address: str) -> None:
            with trio.move_on_after(PATIENCE):
                asked = f"tcp://[{address}]:443" if ":" in address else f"tcp://{address}:443"
                tcp, failure = await stream.connect(self._about(asked), address, 443)
                if tcp is not None:
                    tcp.close()
                if failure in (None, "connection_refused"):
                    answered.append(f"tcp {address}")
                    delays.append(trio.current_time() - began)

        async def page(beacon: Beacon) -> None:
            with trio.move_on_after(PATIENCE):
                journal = self._about(beacon.url)
                found = await lookup.system(journal, parse(beacon.url).host)
                resolved.append(bool(found))
                # Over IPv6, broken as it often is, only where there is nothing else.
                seen = await _page(beacon, journal, [a for a in found if (":" in a) != four])
                if seen is not None:
                    answered.append(f"page {beacon.url}")
                    pages.append(seen)

        async with trio.open_nursery() as nursery:
            for resolver in self._wire.resolvers[:3]:
                if four:
                    nursery.start_soon(question, resolver.ipv4[0])
                    nursery.start_soon(connection, resolver.ipv4[0])
                elif resolver.ipv6:
                    nursery.start_soon(question, resolver.ipv6[0])
                if six and resolver.ipv6:
                    nursery.start_soon(connection, resolver.ipv6[0])
            for beacon in beacons():
                nursery.start_soon(page, beacon)
        self._wire.ipv4 = four
        self._wire.ipv6 = any(word.startswith("tcp ") and ":" in word for word in answered)
        # One changed page may be a server's whim; a portal changes all of them.
        portal = bool(pages) and not any(genuine for genuine, _ in pages)
        offsets = [offset for genuine, offset in pages if genuine and offset is not None]
        offset = min(offsets, key=abs) if offsets else None
        delay = min(delays, default=None)
        deaf = self._is_deaf(any(resolved)) if answered else False
        found = tuple(sorted(answered))
        return self._note(Look(True, found, portal, offset, delay, self._is_full(delay), deaf))

    def _is_deaf(self, resolved: bool) -> bool:
        """Tell whether no name can be looked up any more; for :data:`DEAF` seconds after the last one."""
        if resolved:
            self._resolved, self._deaf_since = True, None
        elif self._resolved:
            now = trio.current_time()
            self._deaf_since = now if self._deaf_since is None else self._deaf_since
            if now - self._deaf_since < DEAF:
                return True
            # From now on that is how it is here.
            self._resolved = False
        return False

    def _about(self, asked: str) -> Journal:
        return self.tried.setdefault(asked, Journal())

    def _is_full(self, delay: float | None) -> bool:
        if delay is None:
            return False
        self._quiet = min(self._quiet, delay)
        return delay > _FULL_TIMES * self._quiet + _FULL_MORE

    def _note(self, look: Look) -> Look:
        # What was full when last looked at was full until now, for all that is known.
        if look.full or (self.last is not None and self.last.full):
            self.seen_full = trio.current_time()
        self.last = look
        if look.clock_offset is not None:
            self._wire.clock_offset = round(look.clock_offset)
            self.clock_offset = look.clock_offset - self._steady.set_by()
        if look.up:
            self.seen_up = trio.current_time()
        else:
            self.seen_down = trio.current_time()
        before = self.looks[-1] if self.looks else {}
        if before.get("up") != look.up or (before["reason"] == _FULL) != look.full:
            self.looks.append({"t": round(trio.current_time(), 1), "up": look.up, "reason": look.reason})
        return look

    async def was_up_since(self, start: float, failed: float | None = None) -> bool:
        """Tell whether the line can be trusted with what began at ``start`` and failed at ``failed``.

        Only a good look after the failure speaks for it, and one bad look since the start against it: whoever
        waits here while the line is down comes on when it is up again.
        """
        async with self._lock:
            if self.seen_up < (start if failed is None else failed):
                await self.look()
            return self.last is not None and self.last.up and self.seen_down < start

    async def wait_until_calm(self) -> None:
        """Look again until the line is not full any more, for :data:`CALM` seconds at most."""
        async with self._lock:
            with trio.move_on_after(CALM):
                while self.last is not None and self.last.full:
                    await trio.sleep(PAUSE)
                    await self.look()

    async def wait_until_up(self) -> None:
        """Look again and again until the line is up."""
        async with self._lock:
            while self.last is not None and not self.last.up:
                await trio.sleep(PAUSE)
                await self.look()


async def _is_translated_in_private() -> bool:
    """Tell whether IPv4 is reached through addresses that no public name may have: all would look forged.

    A name that has IPv4 addresses alone shows the prefix of whoever translates (RFC 7050).  The one that is
    made for it, 64:ff9b::/96, is public.
    """
    found: tuple[str, ...] = ()
    with trio.move_on_after(PATIENCE):
        found = await lookup.system(Journal(), "ipv4only.arpa")
    return any(is_bogon(address) for address in found if ":" in address)


async def _page(
    beacon: Beacon, journal: Journal, addresses: Sequence[str]
) -> tuple[bool, float | None] | None:
    """Fetch a beacon: whether it is the genuine page, and our clock's offset; None when nothing came."""
    url = parse(beacon.url)
    for address in addresses:
        tcp, _ = await stream.connect(journal, address, url.port)
        if tcp is None:
            continue
        try:
            got = await transfer.exchange(journal, tcp, url)
        finally:
            tcp.close()
        response = got.record.response
        if got.failure is None and response is not None:
            body = got.raw_body.decode("utf-8", "replace").strip()
            return response.code == beacon.status and body == beacon.body, _offset(response.headers or {})
    return None


def _offset(headers: Any) -> float | None:
    """Our clock minus the server's, by its Date header (one second coarse)."""
    from datetime import UTC, datetime

    date = next((v for k, v in headers.items() if k.lower() == "date"), None)
    try:
        return (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds() if date else None
    except (TypeError, ValueError, OverflowError):
        return None
