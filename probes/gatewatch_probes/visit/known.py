"""Pages whose answer is known, fetched beside what fails: is it the line?  Not a probe, a part of app."""

from __future__ import annotations

from typing import Any

import trio

from gatewatch.net import transfer
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch_probes.connect import dial
from gatewatch_probes.resolve import look_up
from gatewatch_targets import beacons


async def look_at_pages(wire: Wire, pages: list[dict[str, Any]]) -> None:
    """Fetch the pages that any line gives; what happens there is no measurement of the app."""
    for beacon in beacons():
        aside, url = Journal(), parse(beacon.url)
        found = await look_up(aside, wire, url.host, ())
        genuine = False
        for address in [a for a in found.all if wire.usable(a)][:1]:
            async with wire.turns.take(address):
                tcp = await dial(aside, wire, address, url.port, url.host, ())
                if tcp is None:
                    continue
                try:
                    with trio.move_on_after(wire.limits.transfer):
                        got = await transfer.exchange(aside, tcp, url)
                        response = got.record.response
                        said = got.raw_body.decode("utf-8", "replace").strip()
                        code = response.code if response is not None else 0
                        genuine = got.failure is None and (code, said) == (beacon.status, beacon.body)
                finally:
                    tcp.close()
        pages.append({"url": beacon.url, "genuine": genuine})
