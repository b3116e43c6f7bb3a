"""The control: what a test helper outside the country sees of the same URL.  Not a probe, a part of web.

The protocol is OONI's (oohelperd): a POST with the URL and the endpoints that the probe found.  A helper is
reached by the system's lookup, or over HTTPS DNS when that fails.  All helpers may be blocked; then there is
no control, and the verdict says so.
"""

from __future__ import annotations

import json
from typing import Any

import trio

from gatewatch.net import transfer
from gatewatch.net.address import endpoint
from gatewatch.net.journal import Journal
from gatewatch.net.url import Url, parse
from gatewatch.net.wire import Wire
from gatewatch.records import failure as f
from gatewatch_probes.again import reach
from gatewatch_probes.resolve import Found, look_up

# A helper that failed is passed over for this long: under a gateway that blocks them all, each target would
# otherwise wait for every one of them.
PAUSE = 60.0
# How long the helpers' addresses are remembered: the usual TTL of such names, and a run asks once per target.
REMEMBERED = 300.0
# The helper answers with numbers and headers, no body; OONI's own cap is 16 MiB for what it fetches.
_SENT = ("Accept", "Accept-Language", "User-Agent")


def request_for(url: Url, found: Found) -> dict[str, Any]:
    """Write the request: the URL, our headers, and every endpoint found, on both web ports."""
    ports = {443, 80} if url.port in (80, 443) else {url.port}
    return {
        "http_request": str(url),
        "http_request_headers": {name: [value] for name, value in transfer.BROWSER_HEADERS if name in _SENT},
        "tcp_connect": [endpoint(a, port) for a in found.all for port in sorted(ports, reverse=True)],
        "x_quic_enabled": False,
    }


class Helpers:
    """The helpers of one run, and which of them failed lately."""

    def __init__(self) -> None:
        self._resting: dict[str, float] = {}
        self._addresses: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._looking = trio.Lock()

    async def ask(self, wire: Wire, request: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        """Ask helper after helper; gives the first answer, or None and the last failure."""
        failure: str | None = None if wire.helpers else f.unknown("no helper")
        for helper in wire.helpers:
            if self._resting.get(helper, 0) > trio.current_time():
                failure = failure or f.GENERIC_TIMEOUT
                continue
            url = parse(helper)
            addresses = await self._look_up(wire, url.host)
            answer: dict[str, Any] | None = None
            with trio.move_on_after(wire.limits.helper) as scope:
                answer, failure = await _post(wire, url, addresses, request)
            if scope.cancelled_caught:
                failure = f.GENERIC_TIMEOUT
            if answer is not None:
                return answer, None
            self._resting[helper] = trio.current_time() + PAUSE
        return None, failure

    async def _look_up(self, wire: Wire, host: str) -> tuple[str, ...]:
        """Resolve a helper's name, once for all targets that wait for it."""
        async with self._looking:
            until, addresses = self._addresses.get(host, (0.0, ()))
            if until < trio.current_time():
                found = await look_up(Journal(), wire, host, ())
                addresses = tuple(a for a in found.all if wire.usable(a))
                self._addresses[host] = (trio.current_time() + REMEMBERED, addresses)
            return addresses


async def _post(
    wire: Wire, helper: Url, addresses: tuple[str, ...], request: dict[str, Any]
) -> tuple[dict[str, Any] | None, str | None]:
    """Send one request to one helper, at the first of its addresses that answers."""
    # What happens between us and the helper is no measurement of the target.
    aside = Journal()
    failure: str | None = f.DNS_NXDOMAIN
    for address in addresses:
        connection = await reach(aside, wire, helper, address, ())
        if connection is None:
            last = aside.handshakes[-1].failure if aside.handshakes else aside.connects[-1].status.failure
            failure = last
            continue
        try:
            got = await transfer.exchange(
                aside,
                connection,
                helper,
                method="POST",
                headers=(("User-Agent", "gatewatch"), ("Content-Type", "application/json")),
                body=json.dumps(request).encode(),
            )
        finally:
            connection.close()
        if got.failure is not None:
            failure = got.failure
            continue
        try:
            answer = json.loads(got.raw_body)
        except (ValueError, RecursionError):  # a hostile answer may also be nested without end
            return None, f.JSON_PARSE_ERROR
        if isinstance(answer, dict) and got.record.response is not None and got.record.response.code == 200:
            return answer, None
        failure = f.HTTP_UNEXPECTED_STATUS
    return None, failure
