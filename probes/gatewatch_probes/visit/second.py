"""Second controls: what failed, tried from here in another way, above all when no helper can be reached.

A helper says that a site works elsewhere.  Without one, this line itself can tell much: when another name
passes at the same address and port where the site's is cut, the path and the server are there, and it is the
name that is cut; when the site's name is cut at an address that has nothing to do with it, only a filter can
have done it.  Not a probe, a part of web.  Each exchange waits its turn, one after another, and a trigger
is repeated only after a control has passed (:mod:`gatewatch.net.residual`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import trio

from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.residual import wait_until_clear
from gatewatch.net.url import Url, redirected
from gatewatch.net.wire import Wire
from gatewatch.records import Handshake, SecondControl, Transaction, encode
from gatewatch.records.failure import CUT
from gatewatch.verdict.evidence.control import read
from gatewatch.verdict.likeness import compare
from gatewatch_probes.visit.exchange import SECOND, Exchanges
from gatewatch_probes.visit.nearer import refused_nearer
from gatewatch_probes.visit.neutral import Neutral, control_name_for
from gatewatch_probes.visit.residue import PATIENCE

# Pages of the site's own that are asked for over TLS: the first, and where it leads on to.
PAGES = 3
_WEB_PORTS = {443: 80, 80: 443}
# Addresses of a site that are looked at more closely.
ADDRESSES = 2
# Turns at a neutral address that are waited for.
_WAITS = 2
REFUSED = ("connection_refused", "connection_reset")
# Certificates that are another's: an interception's, or a wrong server's.
_FOREIGN = frozenset({"ssl_unknown_authority", "ssl_invalid_hostname"})


class Second:
    """The second controls of one measurement."""

    def __init__(
        self, journal: Journal, wire: Wire, neutral: Neutral, control: dict[str, Any] | None
    ) -> None:
        self._journal = journal
        self._wire = wire
        self._neutral = neutral
        self._control = control
        self._do = Exchanges(journal, wire)

    def keys(self) -> dict[str, Any]:
        """Give the measurement's own keys; none where nothing had to be explained."""
        found: dict[str, Any] = {}
        if self._do.rows:
            found["x_gatewatch_second"] = [encode(row) for row in self._do.rows]
        return found

    async def explain(self, url: Url, depth: int, known: tuple[str, ...]) -> None:
        """Look at the hop where the way ended; ``known`` are addresses that somebody but the system gave."""
        fetched = (self._control or {}).get("http_request")
        if isinstance(fetched, dict) and fetched.get("failure"):
            return  # the control did not get there either
        if is_address(url.host):
            return  # no name is sent that could be cut
        self._do.depth = depth
        tag = f"depth={depth}"
        connects = [
            c for c in self._journal.connects if tag in (c.tags or ()) and c.port == url.port and c.ip
        ]
        open_at = [c.ip for c in connects if c.status.success and c.ip]
        if not open_at:
            shut = [c for c in connects if c.ip in known and c.status.failure in CUT] or [
                c for c in connects if c.status.failure in CUT
            ]
            if shut and self._control is None:
                # A refusal can be explained; and IPv6 that fails may be this line's own.
                shut.sort(key=lambda c: (c.status.failure not in REFUSED, ":" in (c.ip or "")))
                # One of several addresses may be silent for everybody, and explain nothing.
                for address in tuple(dict.fromkeys(c.ip or "" for c in shut))[:ADDRESSES]:
                    failure = next(c.status.failure for c in shut if c.ip == address)
                    await self._explain_tcp(address, url.port, failure)
        elif url.scheme == "https":
            shaken = [
                h for h in self._journal.handshakes if tag in (h.tags or ()) and h.server_name == url.host
            ]
            asked = any(tag in (t.tags or ()) for t in self._journal.transactions)
            # One of several tries may have come through, and then the request's own was cut again.
            if shaken and not asked and shaken[-1].failure is not None:
                await self._explain_tls(_preferred(shaken, known), url)
        else:
            got = [t for t in self._journal.transactions if tag in (t.tags or ())]
            await self._explain_http(got, url)

    async def _explain_tcp(self, address: str, port: int, failure: str | None) -> None:
        other = _WEB_PORTS.get(port)
        if other is None:
            return
        row = await self._do.syn("other_port", address, other)
        if row.outcome == "answered" and failure in REFUSED:
            await refused_nearer(self._do, address, port, other)

    async def _explain_tls(self, failed: Handshake, url: Url) -> None:
        address = (failed.address or "").rpartition(":")[0].strip("[]")
        control = control_name_for(url.host)

        async def passes() -> bool:
            row = await self._do.handshake("control_sni", address, url.port, control)
            return row.outcome == "answered"

        if failed.failure in CUT:
            if await self._clear(passes, address, url.port, failed.t0) and self._control is None:
                row = await self._do.handshake("test_sni", address, url.port, url.host)
                if row.outcome == "answered":  # once may be a forged RST that was lost
                    await self._do.handshake("test_sni", address, url.port, url.host)
        elif failed.failure in _FOREIGN:
            await passes()
        else:
            return
        elsewhere = await self._elsewhere(url.host, address)
        if elsewhere is None:
            return
        row = await self._do.handshake("neutral_control", elsewhere, 443, control)
        if row.outcome == "answered":
            row = await self._do.handshake("neutral_test", elsewhere, 443, url.host)
            if row.outcome == "answered" and failed.failure in CUT:  # or a forged RST that was lost
                row = await self._do.handshake("neutral_test", elsewhere, 443, url.host)
        if row.outcome != "answered":
            self._neutral.rest(elsewhere)

    async def _elsewhere(self, host: str, address: str) -> str | None:
        """Give a neutral address whose turn is free, if there is one.

        Where many names are cut, all of them come here at once, and each takes a time-out: with a helper's
        answer nobody waits for that, and without one not for long.
        """
        for _ in range(_WAITS + 1):
            found = await self._neutral.address(self._wire, host, address)
            if found is None or not self._wire.turns.taken(found):
                return found
            if self._control is not None:
                break
            async with self._wire.turns.take(found):
                pass  # where a name was cut meanwhile, the address rests now
        return None

    async def _explain_http(self, got: list[Transaction], url: Url) -> None:
        """Explain a plain page: one that was cut, or one that came and that no control's is like."""
        cut = [t for t in got if t.failure in CUT]
        came = [t for t in got if t.failure is None and t.response and not _leads_on(t.response.code)]
        if (came and self._control is not None and not _unlike(came[0], self._control)) or not (came or cut):
            return
        row = came[0] if came else cut[0]
        address = (row.address or "").rpartition(":")[0].strip("[]")
        control = control_name_for(url.host)

        async def passes() -> bool:
            row = await self._do.page("control_host", address, url, control)
            return row.outcome == "answered"

        if came:
            await passes()
        elif await self._clear(passes, address, url.port, cut[-1].t0) and self._control is None:
            answer = await self._do.page("test_host", address, url, url.host)
            if answer.outcome == "answered":
                await self._do.page("test_host", address, url, url.host)
        if (came or self._control is None) and url.port == 80:
            page: Url | None = Url("https", url.host, 443, url.target)
            for _ in range(PAGES):
                if page is not None:
                    asked = await self._do.page("https_page", address, page, url.host)
                    page = self._led_on(asked, page)
        if url.target != "/":
            # Over plain HTTP a filter sees the path: is it this page or the whole site?
            front = Url(url.scheme, url.host, url.port, "/")
            await self._do.page("front_page", address, front, url.host)

    def _led_on(self, row: SecondControl, url: Url) -> Url | None:
        """Give where a page of the site leads on to within the site, such as from / to /en/."""
        got = (t for t in reversed(self._journal.transactions) if t.transaction_id == row.transaction_id)
        response = next((t.response for t in got), None)
        if response is None or not _leads_on(response.code):
            return None
        lower = {str(k).lower(): v for k, v in (response.headers or {}).items()}
        try:
            to = redirected(url, str(lower.get("location", "")))
        except ValueError:
            return None
        return to if (to.scheme, to.host, to.port) == (url.scheme, url.host, url.port) else None

    async def _clear(self, passes: Any, address: str, port: int, t0: float | None) -> bool:
        """Ask until a control passes; with a helper's answer there is no need to wait for that."""
        since = trio.current_time() - (self._journal.now() - (t0 or 0.0))
        patience = PATIENCE if self._control is None else 0.0
        found = await wait_until_clear(passes, since=since, patience=patience)
        if found.at_least is not None:
            self._journal.waits.append(replace(found, address=address, port=port))
        return found.passed


def _unlike(came: Transaction, control: dict[str, Any]) -> bool:
    """Tell whether a page is so unlike the control's that the site's own secure page is asked for, too."""
    seen = read({"control": control})
    body = came.response.body if came.response else None
    proportion = compare.body_proportion(compare.body_length(body), seen.body_length)
    different = 0 <= proportion <= compare.BODY_PROPORTION
    return different or compare.same_title(compare.title(body), seen.title) == compare.DIFFERENT


def _leads_on(code: int | None) -> bool:
    return 300 <= (code or 0) < 400


def _preferred(shaken: list[Handshake], known: tuple[str, ...]) -> Handshake:
    """Choose the failure to explain: at an address that is surely the site's, and cut."""

    def rank(failed: Handshake) -> tuple[bool, bool, bool]:
        address = (failed.address or "").rpartition(":")[0].strip("[]")
        return address not in known, failed.failure not in CUT, ":" in address

    failed = [h for h in shaken if SECOND not in (h.tags or ()) and h.failure is not None]
    return min(failed, key=rank, default=shaken[-1])
