"""Name resolution: the system's own way, and questions of our own over UDP that listen for a second answer.

A forged DNS answer races the true one and wins, so the first answer proves nothing.  A UDP question here goes
on listening after it (:data:`LATE_WINDOW`), and every answer to it becomes a record, in the order of arrival
and with the IP TTL that it came with: an injector sits nearer than the resolver and shows it there.
Each question has a socket of its own: a fresh random port, and the errno of an ICMP error is kept.
"""

from __future__ import annotations

import random
import socket
import sys

import trio

from gatewatch.net import datagram, dnswire
from gatewatch.net.address import endpoint, is_ipv6
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.message import response, rows, unanswered
from gatewatch.records import Query

# How long a question goes on listening after its first answer.  OONI's late-reply window is 500 ms; the true
# answer behind an injected one comes within one RTT to the resolver, and 500 ms spans the planet twice.
LATE_WINDOW = 0.5
# More answers than this to one question are noise or an attack.
MAX_ANSWERS = 8
# Linux: ask for and read the IP TTL of what is received (ip(7)); other systems number it themselves.
_IP_RECVTTL = getattr(socket, "IP_RECVTTL", 12 if sys.platform == "linux" else None)
_txid = random.SystemRandom()


async def system(journal: Journal, name: str, *, tags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Resolve as every program here does, by getaddrinfo; gives the addresses, () on failure."""
    transaction_id = journal.transaction()
    t0 = journal.now()
    failure: str | None = None
    number: int | None = None
    found: dict[str, None] = {}
    try:
        for *_, address in await trio.socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM):
            found[str(address[0])] = None
    except (trio.Cancelled, UnicodeError) as error:
        failure = translate(error)
        if isinstance(error, trio.Cancelled):
            raise
    except OSError as error:
        failure = translate(error)
        number = error.errno if isinstance(error, socket.gaierror) else None
    finally:
        journal.queries.append(
            Query(
                answers=rows([("AAAA" if is_ipv6(a) else "A", a, None) for a in found])
                if failure is None
                else None,
                engine="getaddrinfo",
                failure=failure,
                hostname=name,
                query_type="ANY",
                resolver_address="",
                getaddrinfo_error=number,
                t0=t0,
                t=journal.now(),
                tags=tags,
                transaction_id=transaction_id,
            )
        )
    return tuple(found)


async def udp(
    journal: Journal,
    resolver: str,
    name: str,
    qtype: str = "A",
    *,
    port: int = 53,
    tags: tuple[str, ...] = (),
    window: float = LATE_WINDOW,
) -> tuple[Query, ...]:
    """Ask one resolver over UDP and keep listening for ``window`` seconds after the first answer.

    Gives one record per answer, in the order of arrival, and writes them to the journal.  The caller limits
    the wait for the first answer; running out of time is recorded as ``generic_timeout_error``.
    """
    transaction_id = journal.transaction()
    question = (_txid.getrandbits(16), name, qtype)
    wire = dnswire.query(name, qtype, question[0])
    server = endpoint(resolver, port)
    t0 = journal.now()
    failure: str | None = None
    got: list[Query] = []
    pump = datagram.pump()
    sock = pump.sockets.open(socket.AF_INET6 if is_ipv6(resolver) else socket.AF_INET)

    def take(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> bool:
        got.append(
            response(
                data,
                question=question,
                engine="udp",
                resolver=server,
                t0=t0,
                t=journal.now(),
                tags=tags,
                transaction_id=transaction_id,
                ip_ttl=_ip_ttl(ancillary),
                late=len(got) or None,
            )
        )
        return len(got) < MAX_ANSWERS

    try:
        if _IP_RECVTTL is not None and not is_ipv6(resolver):
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        sock.connect((resolver, port))
        sock.send(wire)
        error = await pump.listen(sock, window, take)
        failure = translate(error) if error else None
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except OSError as error:
        failure = translate(error)
    finally:
        sock.close()
        if not got and failure is not None:
            got.append(
                unanswered(
                    question=question,
                    engine="udp",
                    resolver=server,
                    failure=failure,
                    t0=t0,
                    t=journal.now(),
                    tags=tags,
                    transaction_id=transaction_id,
                )
            )
        journal.queries.extend(got)
    return tuple(got)


def _ip_ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind in (socket.IP_TTL, _IP_RECVTTL) and len(data) >= 4:
            return int.from_bytes(data[:4], sys.byteorder)
    return None
