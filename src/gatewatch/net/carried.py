"""DNS carried by something else: TCP (RFC 7766), TLS (RFC 7858) and HTTPS (RFC 8484)."""

from __future__ import annotations

import base64

import trio

from gatewatch.net import dnswire, message, secure, stream, transfer
from gatewatch.net.address import endpoint
from gatewatch.net.errors import Eof, translate
from gatewatch.net.journal import Journal
from gatewatch.net.trust import Trust
from gatewatch.net.url import Url
from gatewatch.records import Query
from gatewatch.records import failure as f

# No DNS message is longer, whatever carries it (RFC 1035 4.2.2).
_LONGEST = 65_535


async def tcp(
    journal: Journal, resolver: str, name: str, qtype: str = "A", *, tags: tuple[str, ...] = ()
) -> Query:
    """Ask one resolver over TCP port 53."""
    return await _framed(journal, resolver, 53, None, None, name, qtype, tags)


async def dot(
    journal: Journal,
    resolver: str,
    server_name: str,
    trust: Trust,
    name: str,
    qtype: str = "A",
    *,
    tags: tuple[str, ...] = (),
) -> Query:
    """Ask one resolver over TLS port 853; its certificate must hold ``server_name``."""
    return await _framed(journal, resolver, 853, trust, server_name, name, qtype, tags)


async def _framed(
    journal: Journal,
    resolver: str,
    port: int,
    trust: Trust | None,
    server_name: str | None,
    name: str,
    qtype: str,
    tags: tuple[str, ...],
) -> Query:
    """Ask over a byte stream, where each message is preceded by its length."""
    # The connection's own steps are no measurement of the target: they go to a journal of their own.
    aside = Journal()
    transaction_id = journal.transaction()
    question = (0, name, qtype)
    t0 = journal.now()
    failure: str | None = None
    wire = b""
    engine = "dot" if trust else "tcp"
    connection: stream.Stream | secure.SecureStream | None = None
    try:
        plain, failure = await stream.connect(aside, resolver, port)
        connection = plain
        if plain is not None and trust is not None and server_name is not None:
            connection, failure = await secure.handshake(aside, plain, trust, server_name)
        if connection is not None:
            # RFC 8484 4.1 advises id 0 where a cache may see it; over a stream any id serves.
            wanted = dnswire.query(name, qtype, question[0])
            await connection.send(len(wanted).to_bytes(2, "big") + wanted)
            wire = await _read_message(connection)
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except OSError as error:
        failure = translate(error)
    finally:
        if connection is not None:
            connection.close()
        server = endpoint(resolver, port)
        record = _record(journal, wire, failure, question, engine, server, t0, tags, transaction_id)
    return record


async def _read_message(connection: stream.Stream | secure.SecureStream) -> bytes:
    buffer = b""
    while len(buffer) < 2 or len(buffer) < 2 + int.from_bytes(buffer[:2], "big"):
        data = await connection.receive()
        if not data:
            raise Eof("the resolver ended the connection before its answer")
        buffer += data
    return buffer[2 : 2 + int.from_bytes(buffer[:2], "big")]


async def doh(
    journal: Journal,
    resolver: str,
    url: Url,
    trust: Trust,
    name: str,
    qtype: str = "A",
    *,
    tags: tuple[str, ...] = (),
) -> Query:
    """Ask over HTTPS: a GET to ``url`` at the address ``resolver``."""
    aside = Journal()
    transaction_id = journal.transaction()
    question = (0, name, qtype)
    t0 = journal.now()
    failure: str | None = None
    wire = b""
    try:
        plain, failure = await stream.connect(aside, resolver, url.port)
        if plain is not None:
            connection, failure = await secure.handshake(aside, plain, trust, url.host)
            if connection is not None:
                wanted = base64.urlsafe_b64encode(dnswire.query(name, qtype, 0)).rstrip(b"=")
                asked = Url(url.scheme, url.host, url.port, f"{url.target}?dns={wanted.decode('ascii')}")
                try:
                    got = await transfer.exchange(
                        aside, connection, asked, headers=(("Accept", "application/dns-message"),)
                    )
                finally:
                    connection.close()
                failure = got.failure
                wire = got.raw_body[: _LONGEST + 1]
                if failure is None and len(wire) > _LONGEST:
                    failure = f.DNS_MISBEHAVING
                if failure is None and got.record.response is not None and got.record.response.code != 200:
                    failure = f.DNS_MISBEHAVING
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    finally:
        record = _record(journal, wire, failure, question, "doh", str(url), t0, tags, transaction_id)
    return record


def _record(
    journal: Journal,
    wire: bytes,
    failure: str | None,
    question: tuple[int, str, str],
    engine: str,
    resolver: str,
    t0: float,
    tags: tuple[str, ...],
    transaction_id: int,
) -> Query:
    if failure is None:
        record = message.response(
            wire,
            question=question,
            engine=engine,
            resolver=resolver,
            t0=t0,
            t=journal.now(),
            tags=tags,
            transaction_id=transaction_id,
        )
    else:
        record = message.unanswered(
            question=question,
            engine=engine,
            resolver=resolver,
            failure=failure,
            t0=t0,
            t=journal.now(),
            tags=tags,
            transaction_id=transaction_id,
        )
    journal.queries.append(record)
    return record
