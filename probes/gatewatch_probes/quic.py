"""quic: does the site answer over QUIC, and if not, is it the name that is cut?

Method: at one address of the site, a packet that asks for versions and holds no name; a handshake for another
name, which is the control; then one for the site's name, with its certificate verified.  When that stays
silent, the control and the name are tried again, and both and no name are sent to a public resolver's QUIC
port, which has nothing to do with the site: that tells a filter of the name from one of QUIC, or of UDP port
443.  A page over TCP says whether the site offers HTTP/3 at all, and a helper abroad whether it works there.
Traffic: DNS as in resolve, one page over TLS, 2 to 10 QUIC exchanges of 2 to 12 KB: some 80 KB.
Risk: the name stands in Initials that anybody on the path can decrypt; to whoever watches, it is a visit.
Reference: RFC 9000 6.1, RFC 9001 5.2; OONI quicping and sni_blocking; Elmenhorst et al., IMC 2021.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import trio

from gatewatch.net import quic
from gatewatch.net.address import endpoint
from gatewatch.net.journal import Journal
from gatewatch.net.residual import wait_until_clear
from gatewatch.net.secure import SecureStream
from gatewatch.net.url import Url, parse
from gatewatch.net.wire import Wire
from gatewatch.records import QuicKeys, ResidualWait, TestKeys, VersionQuestion, encode
from gatewatch.records.failure import (
    CONNECTION_REFUSED,
    GENERIC_TIMEOUT,
    HOST_UNREACHABLE,
    NETWORK_UNREACHABLE,
    is_timeout,
)
from gatewatch.verdict.evidence.quic import (
    CONTROL_SNI,
    NEUTRAL,
    NEUTRAL_CONTROL,
    NEUTRAL_TEST,
    SITE,
    TEST_SNI,
)
from gatewatch_probes.connect import labels, to_try
from gatewatch_probes.resolve import Found, look_up
from gatewatch_probes.visit.again import get, reach
from gatewatch_probes.visit.control import Heard, Helpers, request_for
from gatewatch_probes.visit.neutral import REST, control_name_for
from gatewatch_targets import Target

# HTTP/3's port where nothing else was agreed on (RFC 9114 3.1).
PORT = 443
# Against loss: silence is only believed when it is repeated.
TRIES = 2
# How long is waited for a residual block to end, in seconds: one pause.
PATIENCE = 60.0
# Addresses that are looked at over TCP to find one that is the site's own.
_LOOKED_AT = 3
# Public resolvers that offer DNS over HTTP/3 at their well-known addresses, by the host of their DoH URL, and
# two of them, because a country may block one (Google, "DNS-over-HTTP/3 in Android", 2022).
_NEUTRAL = ("dns.google", "cloudflare-dns.com")
# What the path, or a port that is shut, says instead of a server.
_UNHEARD = (CONNECTION_REFUSED, HOST_UNREACHABLE, NETWORK_UNREACHABLE)


class Quic:
    """The probe."""

    name = "quic"
    test_name = "quic"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 80_000
    typical_packets = 80

    def __init__(self) -> None:
        self._helpers = Helpers()
        # Neutral addresses that are left alone for a while, and until when.
        self._resting: dict[str, float] = {}

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Measure one site; raises :class:`gatewatch.net.quic.Unavailable` without aioquic."""
        quic.require()
        look = _Look(wire, parse(f"https://{target.host}/"), self._resting)
        return await look.run(self._helpers)


class _Look:
    """One site being measured."""

    def __init__(self, wire: Wire, url: Url, resting: dict[str, float]) -> None:
        self.wire = wire
        self.resting = resting
        self.waits: list[ResidualWait] = []
        self.url = url
        self.journal = Journal()
        self.versions: list[VersionQuestion] = []
        self.advertised: bool | None = None
        self.control_name = control_name_for(url.host)

    async def run(self, helpers: Helpers) -> TestKeys:
        found = await look_up(self.journal, self.wire, self.url.host, ())
        request = {**request_for(self.url, found), "x_quic_enabled": True}
        heard = Heard()

        async def ask_control() -> None:
            nonlocal heard
            heard = await helpers.ask(self.wire, request)

        address = ""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_control)
            address = await self._own_address(found)
        neutral = ""
        if address and not await self._at_the_site(address):
            neutral = await self._elsewhere(self._neutral_addresses(address))
        return self.journal.keys(
            control=heard.answer,
            control_failure=heard.failure,
            **heard.keys(),
            x_gatewatch_residual=[encode(wait) for wait in self.waits],
            x_gatewatch_quic=encode(
                QuicKeys(
                    host=self.url.host,
                    address=address,
                    control_name=self.control_name,
                    neutral_address=neutral,
                    advertised=self.advertised,
                    versions=tuple(self.versions),
                )
            ),
        )

    async def _own_address(self, found: Found) -> str:
        """Choose an address whose certificate is the site's, else one that somebody but the system gave."""
        addresses = to_try(self.wire, found)
        for address in addresses[:_LOOKED_AT]:
            tags = labels(found, address, ())
            async with self.wire.turns.take(address):
                connection = await reach(self.journal, self.wire, self.url, address, tags)
                if isinstance(connection, SecureStream):
                    got = await get(self.journal, self.wire, connection, self.url, tags)
                    self.journal.drop_bodies()
                    response = got.record.response if got is not None else None
                    if response is not None and response.code:
                        self.advertised = _offers_h3(response.headers_list or ())
                    return address
        # Where names are lied about, what others say is likelier to be the site's.
        return next((a for a in (*found.trusted, *found.public, *addresses) if a in addresses), "")

    def _neutral_addresses(self, avoid: str) -> list[str]:
        """Choose an address of each neutral operator, of the site's family."""
        found = []
        for resolver in self.wire.resolvers:
            known = resolver.ipv6 if ":" in avoid else resolver.ipv4
            now = trio.current_time()
            usable = [
                a for a in known if a != avoid and self.wire.usable(a) and self.resting.get(a, 0) <= now
            ]
            if usable and parse(resolver.doh).host in _NEUTRAL:
                found.append(usable[0])
        return found

    async def _at_the_site(self, address: str) -> bool:
        """Ask the site's address, the control before the name; True when the name was answered."""
        async with self.wire.turns.take(address):
            await self._ask_versions(SITE, address)
            passed = _heard(await self._shake(CONTROL_SNI, address, self.control_name))
            return _heard(await self._send_name(TEST_SNI, CONTROL_SNI, address, guarded=passed))

    async def _elsewhere(self, addresses: list[str]) -> str:
        """Do the same at the first neutral address that answers; gives it."""
        for address in addresses:
            async with self.wire.turns.take(address):
                if not _heard(await self._ask_versions(NEUTRAL, address)):
                    continue
                if _heard(await self._twice(NEUTRAL_CONTROL, address, self.control_name)):
                    failure = await self._send_name(NEUTRAL_TEST, NEUTRAL_CONTROL, address, guarded=True)
                    if is_timeout(failure):
                        self.resting[address] = trio.current_time() + REST
                return address
        return ""

    async def _send_name(self, tag: str, control: str, address: str, *, guarded: bool) -> str | None:
        """Send the site's name, again after silence; gives the last failure.

        ``guarded``: another name passed here, and must pass again before this one is repeated.
        """
        failure = await self._shake(tag, address, self.url.host)
        if not is_timeout(failure):
            return failure
        if guarded:

            async def passes() -> bool:
                return _heard(await self._shake(control, address, self.control_name))

            # The last Initial left some seconds before the limit ran out, so the wait is rather understated.
            waited = await wait_until_clear(passes, since=trio.current_time(), patience=PATIENCE)
            self.waits.append(replace(waited, address=address, port=PORT))
            if not waited.passed:
                return failure
        return await self._shake(tag, address, self.url.host, number=2)

    async def _ask_versions(self, where: str, address: str) -> str | None:
        """Ask for versions, again after silence; gives the last failure."""

        async def once(number: int) -> str | None:
            t0 = self.journal.now()
            failure: str | None = GENERIC_TIMEOUT
            found: tuple[int, ...] = ()
            with trio.move_on_after(self.wire.limits.question):
                tags = (f"{where}_versions", f"try={number}")
                found, failure = await quic.ask_versions(self.journal, address, PORT, tags=tags)
            self.versions.append(
                VersionQuestion(
                    where=where,
                    address=endpoint(address, PORT),
                    failure=failure,
                    versions=tuple(f"{version:#010x}" for version in found),
                    t0=t0,
                    t=self.journal.now(),
                )
            )
            return failure

        return await _until_heard(once, TRIES)

    async def _twice(self, tag: str, address: str, name: str) -> str | None:
        """Shake hands for a name, again after silence; gives the last failure."""
        return await _until_heard(lambda number: self._shake(tag, address, name, number=number), TRIES)

    async def _shake(self, tag: str, address: str, name: str, *, number: int = 1) -> str | None:
        """Shake hands once; gives the failure."""
        with trio.move_on_after(self.wire.limits.handshake):
            return await quic.handshake(
                self.journal,
                address,
                PORT,
                name,
                self.wire.trust,
                # Another name's certificate cannot hold, and any answer tells what is asked.
                verify=tag == TEST_SNI,
                tags=(tag, f"try={number}"),
            )
        return GENERIC_TIMEOUT


async def _until_heard(once: Callable[[int], Awaitable[str | None]], tries: int) -> str | None:
    """Try until something other than silence comes; gives the last failure."""
    failure = await once(1)
    for number in range(2, tries + 1):
        if not is_timeout(failure):
            break
        failure = await once(number)
    return failure


def _heard(failure: str | None) -> bool:
    """Tell whether a server spoke QUIC, whatever it said."""
    return failure not in _UNHEARD and not is_timeout(failure)


def _offers_h3(headers: Iterable[tuple[Any, Any]]) -> bool:
    """Tell whether a response offers HTTP/3 on the same host (RFC 7838 3, RFC 9114 3.1.1)."""
    offers = " ".join(str(value) for name, value in headers if str(name).lower() == "alt-svc")
    return "h3=" in offers or "h3-29=" in offers
