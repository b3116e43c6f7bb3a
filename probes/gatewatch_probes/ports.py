"""ports: are the usual ports of VPNs and of private DNS cut on this line?

Method: a helper of ours (`gatewatch helper serve --ports vpn`) says on which ports it answers.  Each that
our table knows is tried, one after the other in a shuffled order: TCP until the helper's greeting came, UDP
with a nonce that it sends back.  What failed is tried once more in a second round.  The port over which the
helper was asked must answer before, between and after; ports of unrelated services, and one that is given to
nobody, tell a list of forbidden ports from a firewall that lets only known ones pass.  No tunnel's protocol
is spoken: a filter that reads them is not seen.  The line is looked at once a run, whatever the target.
Traffic: a page, 15 connections without a request, 10 datagrams of 32 bytes, more where they fail: 10 KB.
Risk: packets to ports of VPNs, which whoever watches can see; no third party is asked.
Reference: OONI's portfiltering (a stub); ports.csv: IANA's registry and the projects' documentation.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import trio

from gatewatch.net import stream
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.knock import knock
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch.records import PortRow, TestKeys, encode
from gatewatch.records.failure import EOF, GENERIC_TIMEOUT
from gatewatch.records.ports import GREETING, answer, offered, question
from gatewatch_probes.fetch import visit
from gatewatch_probes.resolve import look_up
from gatewatch_probes.visit.exchange import outcome_of
from gatewatch_targets import ServicePort, Target, service_ports

# Helpers asked which ports they answer on; OONI's have none.
HELPERS = 3
# Seconds of waiting after each of three datagrams: longer than any round trip, by satellite 0.7 s.
WAITS = (2.0, 2.0, 3.0)


class Ports:
    """The probe."""

    name = "ports"
    test_name = "port_filtering"
    version = "0.1.0"
    risk = "medium"
    typical_bytes = 10_000
    typical_packets = 60
    #: Everything silent, twice: 12 ports of 10 and 4 s, 10 ports of 7 s each time.
    seconds = 600.0

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._line: tuple[PortRow, ...] | None = None  # what this run has found out
        self._asking = trio.Lock()

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Look at the line's ports, once a run."""
        look = _Look(Journal(), wire, self._random)
        async with self._asking:
            if self._line is None:
                await look.run()
                self._line = tuple(replace(row, t=None, transaction_id=0) for row in look.rows)
            else:
                look.rows.extend(self._line)
        return look.journal.keys(x_gatewatch_ports=[encode(row) for row in look.rows])


@dataclass(slots=True)
class _Look:
    """One look at a helper's ports."""

    journal: Journal
    wire: Wire
    chance: random.Random
    rows: list[PortRow] = field(default_factory=list)

    async def run(self) -> None:
        """Find a helper that has such ports, and try them."""
        for helper in (*self.wire.helpers, *self.wire.domestic_helpers)[:HELPERS]:
            address, ports = await self._offer(helper)
            if ports:
                await self._try(helper, address, parse(helper).port, ports)
                return

    async def _offer(self, helper: str) -> tuple[str, list[ServicePort]]:
        """Ask a helper on which ports it answers; only those of the table count."""
        url = parse(urlsplit(helper)._replace(path="/ports", query="", fragment="").geturl())
        found = await look_up(self.journal, self.wire, url.host, ())
        got = await visit(self.journal, self.wire, url, found, ("ports",))
        if got is None or got.record.response is None or got.record.response.code != 200:
            return "", []
        try:
            told = offered(json.loads(got.raw_body))
        except (ValueError, RecursionError):
            told = ()
        # The connection that brought the page came last.
        address = next((c.ip for c in reversed(self.journal.connects) if c.status.success), None) or ""
        return address, [entry for entry in service_ports() if (entry.port, entry.transport) in told]

    async def _try(self, helper: str, address: str, base: int, ports: list[ServicePort]) -> None:
        left = [entry for entry in ports if (entry.port, entry.transport) != (base, "tcp")]
        for again in (False, True):
            await self._base(helper, address, base)
            if again and left:
                await trio.sleep(self.wire.limits.pause)
            self.chance.shuffle(left)
            failed = []
            for entry in left:
                row = await self._port(helper, address, entry, again)
                self.rows.append(row)
                if row.outcome != "answered":
                    failed.append(entry)
            left = failed
        await self._base(helper, address, base)

    async def _base(self, helper: str, address: str, port: int) -> None:
        outcome, failure, transaction_id = await self._tcp(address, port, b"", "base", again=False)
        self.rows.append(
            PortRow(
                helper=helper,
                address=address,
                port=port,
                transport="tcp",
                kind="base",
                outcome=outcome,
                failure=failure,
                transaction_id=transaction_id,
                t=self.journal.now(),
            )
        )

    async def _port(self, helper: str, address: str, entry: ServicePort, again: bool) -> PortRow:
        if entry.transport == "tcp":
            outcome, failure, transaction_id = await self._tcp(
                address, entry.port, GREETING, entry.kind, again=again
            )
        else:
            asked = question()
            async with self.wire.turns.take(address):
                right, failure, transaction_id = await knock(
                    self.journal,
                    address,
                    entry.port,
                    asked,
                    lambda data: data == answer(asked),
                    waits=WAITS,
                    tags=("ports", entry.kind),
                )
            outcome = "answered" if right else "other" if failure is None else outcome_of(failure)
        return PortRow(
            helper=helper,
            address=address,
            port=entry.port,
            transport=entry.transport,
            service=entry.service,
            kind=entry.kind,
            outcome=outcome,
            failure=failure,
            transaction_id=transaction_id,
            t=self.journal.now(),
        )

    async def _tcp(
        self, address: str, port: int, expected: bytes, kind: str, *, again: bool
    ) -> tuple[str, str | None, int]:
        """Connect, and read what is expected; gives the outcome, the failure and the transaction."""
        limits = self.wire.limits
        async with self.wire.turns.take(address):
            tcp: stream.Stream | None = None
            failure: str | None = GENERIC_TIMEOUT
            with trio.move_on_after(limits.connect_again if again else limits.connect):
                tcp, failure = await stream.connect(self.journal, address, port, tags=("ports", kind))
            if tcp is None:
                return outcome_of(failure), failure, self.journal.connects[-1].transaction_id or 0
            got, failure = b"", GENERIC_TIMEOUT
            try:
                with trio.move_on_after(limits.handshake):
                    while len(got) < len(expected) and (data := await tcp.receive()):
                        got += data
                    failure = None if got or not expected else EOF
            except OSError as error:
                failure = translate(error)
            finally:
                tcp.close()
        if got and got[: len(expected)] != expected:
            return "other", failure, tcp.transaction_id
        return outcome_of(failure), failure, tcp.transaction_id
