"""The line: route, captive portal, clock, IPv6, resolver.  Before consent only what sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewatch.cli.checks.check import Check
from gatewatch.words import Phrase, phrase

if TYPE_CHECKING:
    from gatewatch.net.wire import Wire
    from gatewatch.runner.line import Look

# Certificates are valid by date, and measurements of two vantages are joined by time: half a minute is more
# than any machine with NTP is off (RFC 5905 keeps it within a second).
_CLOCK = 30.0
#: Without these nothing can be measured.
NEEDED = frozenset({"network", "captive portal"})


def checks(*, agreed: bool) -> list[Check]:
    """Look at the line; packets are sent only if ``agreed``."""
    from gatewatch.net.wire import Wire
    from gatewatch.runner.line import Look, has_route, has_route6

    wire = Wire()
    if agreed:
        return [*_seen(_looked(wire), wire), _resolver(wire)]
    if not (has_route() or has_route6()):
        return [_network(Look(route=False)), _resolver(wire)]
    not_yet = Check(
        phrase("network"),
        True,
        phrase(
            "there is a connection; it is tried out only after you have agreed: {command}",
            command="gatewatch consent",
        ),
    )
    return [not_yet, _resolver(wire)]


def _looked(wire: Wire) -> Look:
    import trio

    from gatewatch.runner.line import Line, has_route, has_route6

    async def look() -> Look:
        return await Line(wire, has_route, has_route6).look()

    return trio.run(look)


def _network(seen: Look) -> Check:
    return Check(
        phrase("network"),
        bool(seen.answered),
        Phrase(seen.reason) if not seen.answered else phrase("the internet answers"),
        phrase("Check the cable or the Wi-Fi, or ask your provider."),
        detail=" ".join(seen.answered),
    )


def _seen(seen: Look, wire: Wire) -> list[Check]:
    rows = [_network(seen)]
    if not seen.answered:
        return rows
    rows.append(
        Check(
            phrase("captive portal"),
            not seen.portal,
            phrase("a login page answers in place of the internet") if seen.portal else phrase("none"),
            phrase("Open a browser, log in to this network, and try again."),
        )
    )
    if seen.clock_offset is not None:
        right = abs(seen.clock_offset) < _CLOCK
        rows.append(
            Check(
                phrase("clock"),
                right,
                phrase("right to within a minute")
                if right
                else phrase("wrong by {seconds} seconds", seconds=f"{seen.clock_offset:+.0f}"),
                phrase("Let the system set the clock from the internet (NTP)."),
                detail=f"{seen.clock_offset:+.0f} s against a web server",
            )
        )
    rows.append(
        Check(
            phrase("IPv6"),
            True,
            phrase("works") if wire.ipv6 else phrase("does not work; only IPv4 will be measured"),
        )
    )
    return rows


def _resolver(wire: Wire) -> Check:
    resolvers = wire.own_resolvers
    return Check(
        phrase("name server"),
        bool(resolvers),
        # Not its address: it is often the router's at home, and what is on a screen is often shown around.
        phrase("is set up") if resolvers else phrase("none is set up"),
        phrase("Connect to the network again, so that it tells this machine a name server."),
    )
