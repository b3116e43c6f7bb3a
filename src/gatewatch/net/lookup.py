"""Name resolution: the system's own way, and questions of our own over UDP that listen for a second answer.

A forged DNS answer races the true one and wins, so the first answer proves nothing.  A UDP question here goes
on listening after it (:data:`LATE_WINDOW`), and every answer to it becomes a record, in the order of arrival
and with the IP TTL that it came with: an injector sits nearer than the resolver and shows it there.
Each question has a socket of its own: a fresh random port, and the errno of an ICMP error is kept.
"""

from __future__ import annotations

import os
import socket
import sys
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import trio

from gatewatch.net import datagram, dnswire
from gatewatch.net.address import endpoint, is_ipv6
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.message import response, rows, unanswered
from gatewatch.net.sockets import Datagram, Sockets
from gatewatch.records import Query
from gatewatch.records import failure as f

# How long a question goes on listening after its first answer.  OONI's late-reply window is 500 ms; the true
# answer behind an injected one comes within one RTT to the resolver, and 500 ms spans the planet twice.
LATE_WINDOW = 0.5
# More answers than this to one question are noise or an attack.
MAX_ANSWERS = 8
# Messages to a question's socket that are no answer to it (another id or name): as many are kept, and with so
# many the socket is shut.  Resolvers drop such messages, so neither do they begin the window.
NOISE_KEPT, MAX_NOISE = 2, 64
# Linux: ask for and read the IP TTL of what is received (ip(7)); other systems number it themselves.
_IP_RECVTTL = getattr(socket, "IP_RECVTTL", 12 if sys.platform == "linux" else None)
# The same for IPv6's hop limit (RFC 3542 6.3), whose numbers Python knows where there are any.
_RECVHOPLIMIT: int | None = getattr(socket, "IPV6_RECVHOPLIMIT", None)
_HOPLIMIT: int | None = getattr(socket, "IPV6_HOPLIMIT", None)


class _Ids:
    """Transaction ids that nobody can guess, drawn from the system a page at a time."""

    def __init__(self) -> None:
        self._left = array("H")

    def draw(self) -> int:
        """Give the next one, 0 to 65535."""
        if not self._left:
            self._left.frombytes(os.urandom(2048))
        return self._left.pop()


_ids = _Ids()


# getaddrinfo blocks a thread each, for many seconds where questions are dropped.  Trio lends 40 threads; with
# more look-ups than that hanging, the next would wait for a thread, and the wait would look like silence.
_THREADS = 200
# A look-up that its caller gave up on keeps its thread until the C library gives up too.
_ABANDONED = 3
_slots: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("gatewatch look-ups")


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait for a thread to look up in; a caller's time limit on :func:`system` belongs inside."""
    async with _limit():
        yield


def _limit() -> trio.CapacityLimiter:
    try:
        return _slots.get()
    except LookupError:
        slots = trio.CapacityLimiter(_THREADS)
        _slots.set(slots)
        trio.to_thread.current_default_thread_limiter().total_tokens = _ABANDONED * _THREADS
        return slots


def _too_many_threads() -> None:
    """Look up in fewer threads from now on: one was not to be had."""
    slots = _limit()
    slots.total_tokens = max(1, min(slots.total_tokens, slots.borrowed_tokens) - 1)


def _no_files() -> bool:
    """Tell whether this machine opens no more sockets: getaddrinfo then says that no resolver answers."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError as error:
        return f.local(error) is not None
    return False


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
        # Its traceback leads to frames that hold the error: a ring of some kB until a full collection, and
        # that is rare when the plan is long.
        error.__traceback__ = None
        number = error.errno if isinstance(error, socket.gaierror) else None
        if number is not None and _no_files():
            failure = f.NO_FILES
    except (RuntimeError, MemoryError) as error:
        failure = f.local(error)
        if failure is None:
            raise
        _too_many_threads()
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


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one resolver over UDP."""

    resolver: str
    name: str
    qtype: str = "A"
    port: int = 53
    tags: tuple[str, ...] = ()


class _Asked:
    """A question on its way: its socket, and the answers so far."""

    __slots__ = (
        "_heard_noise",
        "_journal",
        "_key",
        "_server",
        "_t0",
        "_transaction_id",
        "got",
        "noise",
        "question",
        "sock",
    )

    def __init__(self, journal: Journal, question: Question) -> None:
        self._journal = journal
        self.question = question
        self.sock: Datagram | None = None
        self._transaction_id = journal.transaction()
        self._key = (_ids.draw(), question.name, question.qtype)
        self._server = endpoint(question.resolver, question.port)
        self._t0 = journal.now()
        self.got: list[Query] = []
        self.noise: list[Query] = []
        self._heard_noise = 0

    def send(self, sockets: Sockets) -> Datagram:
        """Open a socket and send the question; raises OSError."""
        question = self.question
        six = is_ipv6(question.resolver)
        sock = self.sock = sockets.open(socket.AF_INET6 if six else socket.AF_INET)
        if not six and _IP_RECVTTL is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        elif six and _RECVHOPLIMIT is not None:
            sock.setsockopt(socket.IPPROTO_IPV6, _RECVHOPLIMIT, 1)
        sock.connect((question.resolver, question.port))
        sock.send(dnswire.query(question.name, question.qtype, self._key[0]))
        return sock

    def take(self, data: bytes, ancillary: list[tuple[int, int, bytes]]) -> bool | None:
        """Write down one answer; False when there were enough, None when it was none."""
        found = response(
            data,
            question=self._key,
            engine="udp",
            resolver=self._server,
            t0=self._t0,
            t=self._journal.now(),
            tags=self.question.tags,
            transaction_id=self._transaction_id,
            ip_ttl=_ip_ttl(ancillary),
            late=len(self.got) or None,
        )
        if found.failure == f.DNS_WRONG_ID:
            self._heard_noise += 1
            if len(self.noise) < NOISE_KEPT:
                self.noise.append(found)
            return None if self._heard_noise < MAX_NOISE else False
        self.got.append(found)
        return len(self.got) < MAX_ANSWERS

    def end(self, failure: str) -> None:
        """Close; write down that nothing came, if nothing came."""
        if self.sock is not None:
            self.sock.close()
        # Noise stands behind the answers, in whatever order it came.
        self.got += [replace(q, x_gatewatch_late=len(self.got) + n or None) for n, q in enumerate(self.noise)]
        if not self.got:
            self.got.append(
                unanswered(
                    question=self._key,
                    engine="udp",
                    resolver=self._server,
                    failure=failure,
                    t0=self._t0,
                    t=self._journal.now(),
                    tags=self.question.tags,
                    transaction_id=self._transaction_id,
                )
            )
        self._journal.queries.extend(self.got)


async def ask(
    journal: Journal, questions: Sequence[Question], *, window: float = LATE_WINDOW
) -> list[tuple[Query, ...]]:
    """Ask several questions over UDP at once, each on a socket of its own, and keep listening for answers.

    Gives for each question one record per answer, in the order of arrival, and writes them to the journal.
    Each is listened to for ``window`` seconds after its first answer.  The caller limits the wait for first
    answers; what is unanswered then is recorded as ``generic_timeout_error``.
    """
    pump = datagram.pump()
    asked = [_Asked(journal, question) for question in questions]
    listened: dict[_Asked, tuple[Datagram, datagram.Take]] = {}
    failures: dict[_Asked, str] = {}
    try:
        for one in asked:
            try:
                listened[one] = one.send(pump.sockets), one.take
            except OSError as error:
                failures[one] = translate(error)
        if listened:
            for one, problem in zip(listened, await pump.listen([*listened.values()], window), strict=True):
                if problem is not None:
                    failures[one] = translate(problem)
    finally:
        for one in asked:
            one.end(failures.get(one, f.GENERIC_TIMEOUT))
    return [tuple(one.got) for one in asked]


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
    """Ask one question over UDP; see :func:`ask`."""
    return (await ask(journal, (Question(resolver, name, qtype, port, tags),), window=window))[0]


def _ip_ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        four = level == socket.IPPROTO_IP and kind in (socket.IP_TTL, _IP_RECVTTL)
        six = level == socket.IPPROTO_IPV6 and kind == _HOPLIMIT
        if (four or six) and len(data) >= 4:
            return int.from_bytes(data[:4], sys.byteorder)
    return None
