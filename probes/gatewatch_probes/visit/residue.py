"""An address's turn, and what another name may have left behind there.  Not a probe, a part of fetch and web.

Sites share addresses.  Where one of them was cut a moment ago, the filter may go on blocking the address for
minutes, and the next site would be called blocked.  So there a control name must pass before the site's own
is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from gatewatch.net.journal import Journal
from gatewatch.net.residual import wait_until_clear
from gatewatch.net.url import Url
from gatewatch.net.wire import Wire
from gatewatch_probes.visit.exchange import Exchanges
from gatewatch_probes.visit.neutral import control_name_for

# How long a web measurement waits for a residual block to end, in seconds: two pauses.
PATIENCE = 90.0


@asynccontextmanager
async def turn(journal: Journal, wire: Wire, url: Url, address: str) -> AsyncIterator[None]:
    """Wait for an address's turn and, where another name was cut there lately, until a control passes.

    Where none does, the turn is given all the same, and it is on record that the way was not clear.
    """
    waited = False
    while True:
        async with wire.turns.take(address):
            since = wire.cut_for_another(address, url.port, url.host)
            if waited or since is None:
                yield
                return
        await _clear(journal, wire, url, address, since)
        waited = True


async def _clear(journal: Journal, wire: Wire, url: Url, address: str, since: float) -> None:
    do = Exchanges(journal, wire)
    control = control_name_for(url.host)

    async def passes() -> bool:
        if url.scheme == "https":
            row = await do.handshake("control_sni", address, url.port, control)
        else:
            row = await do.page("control_host", address, url, control)
        return row.outcome == "answered"

    found = await wait_until_clear(passes, since=since, patience=PATIENCE)
    if found.passed:
        wire.passed(address, url.port)
    journal.waits.append(replace(found, address=address, port=url.port, before=True))
