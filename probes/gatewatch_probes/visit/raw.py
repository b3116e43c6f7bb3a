"""Requests byte by byte, since no library would send them so.  Not a probe, a part of middlebox.

Each becomes a transaction in the usual list and a row that says what it was for and what came.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import trio

from gatewatch.net import stream
from gatewatch.net.errors import Eof, translate
from gatewatch.net.journal import Journal
from gatewatch.net.response import Malformed, Response
from gatewatch.net.transfer import written
from gatewatch.net.wire import Wire
from gatewatch.records import HttpRequest, HttpResponse, OddRequest, Transaction
from gatewatch.records.failure import GENERIC_TIMEOUT
from gatewatch.verdict.likeness.compare import title
from gatewatch_probes.visit.exchange import outcome_of

# What is kept of a first line; the long one repeats itself.
_KEPT = 256
_TITLE, _LOCATION = 128, 256


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one request; times in seconds, None where there was nothing to time."""

    connected: bool
    failure: str | None
    code: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    connect: float | None = None
    wait: float | None = None
    transaction_id: int = 0

    def header(self, name: str) -> str:
        """Give a header's value, "" without one."""
        return next((v for k, v in self.headers if k.lower() == name), "")


async def send(
    journal: Journal, wire: Wire, address: str, port: int, request: bytes, host: str, tags: tuple[str, ...]
) -> Said:
    """Send bytes as they are on a connection of their own, and read one response."""
    async with wire.turns.take(address):
        t0 = journal.now()
        tcp, failure = None, GENERIC_TIMEOUT
        with trio.move_on_after(wire.limits.connect):
            tcp, told = await stream.connect(journal, address, port, tags=tags)
            failure = told or ""
        if tcp is None:
            return Said(False, failure)
        connect = journal.now() - t0
        response, sent, first, why = Response(), journal.now(), None, GENERIC_TIMEOUT
        try:
            with trio.move_on_after(wire.limits.transfer):
                await tcp.send(request)
                while not response.done:
                    data = await tcp.receive()
                    first = journal.now() - sent if first is None and data else first
                    if data:
                        response.feed(data)
                    elif not response.end():
                        raise Eof("the response is cut short")
                why = ""
        except (OSError, Malformed) as error:
            why = translate(error)
        finally:
            tcp.close()
        _record(journal, tcp, request, host, response, why or None, sent)
    return Said(
        True,
        why or None,
        response.code,
        response.headers,
        response.body,
        round(connect, 6),
        None if first is None else round(first, 6),
        tcp.transaction_id,
    )


async def handshake_time(journal: Journal, wire: Wire, address: str, port: int) -> float | None:
    """Time one TCP handshake; None where there was none."""
    async with wire.turns.take(address):
        t0, tcp = journal.now(), None
        with trio.move_on_after(wire.limits.connect):
            tcp, _ = await stream.connect(journal, address, port, tags=("middlebox", "timing"))
        if tcp is None:
            return None
        tcp.close()
        return round(journal.now() - t0, 6)


def _record(
    journal: Journal,
    tcp: stream.Stream,
    request: bytes,
    host: str,
    response: Response,
    failure: str | None,
    t0: float,
) -> None:
    first, *lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = tuple((name, value.removeprefix(" ")) for name, _, value in (ln.partition(":") for ln in lines))
    body = response.body
    journal.transactions.append(
        Transaction(
            address=tcp.endpoint,
            alpn="",
            failure=failure,
            request=HttpRequest(
                headers=dict(fields),
                headers_list=fields,
                method=first.partition(" ")[0][:_KEPT],
                url=f"http://{host}{first.partition(' ')[2].partition(' ')[0][:_KEPT]}",
                x_transport="tcp",
            ),
            response=HttpResponse(
                body=written(body) if body.isascii() else body,
                body_is_truncated=response.truncated,
                code=response.code,
                headers=dict(response.headers),
                headers_list=response.headers,
            ),
            t0=t0,
            t=journal.now(),
            tags=tcp.tags,
            transaction_id=tcp.transaction_id,
        )
    )


def spell(line: str, fields: list[tuple[str, str]]) -> bytes:
    """Write a request's head as it is to be sent; a tab stands in the place of the space."""
    lines = (f"{name}:{value}" if value.startswith("\t") else f"{name}: {value}" for name, value in fields)
    return "\r\n".join((line, *lines, "", "")).encode("latin-1")


class Requests:
    """The requests of one measurement; ``rows`` say what each was for and what came."""

    def __init__(self, journal: Journal, wire: Wire, chance: random.Random) -> None:
        self.journal = journal
        self.wire = wire
        self.chance = chance
        self.rows: list[OddRequest] = []

    def letters(self, text: str) -> str:
        """Write a text in random letters, never as it stands."""
        odd = "".join(self.chance.choice((c.upper(), c.lower())) for c in text)
        return odd if odd not in (text, text.title(), text.lower()) else text.swapcase()

    async def ask(self, kind: str, host: str, address: str, port: int, request: bytes) -> Said:
        """Send a request and write the row."""
        said = await send(self.journal, self.wire, address, port, request, host, ("middlebox", kind))
        row = OddRequest(
            kind=kind,
            address=address,
            port=port,
            host=host,
            outcome=outcome_of(said.failure) if said.connected else "no_connection",
            failure=said.failure,
            code=said.code,
            title=title(said.body)[:_TITLE],
            length=len(said.body) if said.code else -1,
            location=said.header("location")[:_LOCATION],
            connect=said.connect,
            wait=said.wait,
            transaction_id=said.transaction_id,
            t=self.journal.now(),
        )
        self.rows.append(row)
        return said
