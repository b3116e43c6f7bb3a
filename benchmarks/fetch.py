"""fetch: fresh connections against nginx, our measured path beside bare trio sockets with ssl.

Both clients do the same GETs in turns, in the same process and with the same concurrency.  The measured path
makes every record (connect, handshake with chain, transaction with body, events, the envelope); the bare
client reads the response and throws it away.  What it costs to encode the line as well is printed beside it.
Figures are GETs per second of this process's CPU time, since the machine is shared.
"""

from __future__ import annotations

import gc
import socket
import ssl
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from benchmarks.beside import beside
from benchmarks.peers import HOST, Nginx, nginx, pinned
from gatewatch.net import secure, stream, transfer
from gatewatch.net.journal import Journal
from gatewatch.net.trust import Trust
from gatewatch.net.url import Url
from gatewatch.records import Measurement, dumps

CONCURRENCY = 64
#: The issue's goals: share of the bare client's rate.
GOALS = {"https": 0.70, "http": 0.45}
_REQUEST = (
    f"GET / HTTP/1.1\r\nHost: {HOST}\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in transfer.BROWSER_HEADERS)
    + "Connection: close\r\n\r\n"
).encode()

Get = Callable[[], Awaitable[None]]


def bare(server: Nginx, context: ssl.SSLContext | None) -> Get:
    """Give a GET by bare trio sockets; with ``context``, over OpenSSL in memory."""
    port = server.https if context else server.http

    async def plain() -> None:
        with trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            await sock.connect(("127.0.0.1", port))
            await sock.send(_REQUEST)
            size = 0
            while data := await sock.recv(65536):
                size += len(data)
            assert size > 8192

    async def tls() -> None:
        assert context is not None
        with trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            await sock.connect(("127.0.0.1", port))
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tunnel = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
            while True:
                try:
                    tunnel.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await sock.send(outgoing.read())
                    incoming.write(await sock.recv(65536))
            tunnel.write(_REQUEST)
            await sock.send(outgoing.read())
            size = 0
            while True:
                try:
                    part = tunnel.read(65536)
                    if not part:
                        break
                    size += len(part)
                except ssl.SSLWantReadError:
                    data = await sock.recv(65536)
                    if not data:
                        break
                    incoming.write(data)
                except ssl.SSLZeroReturnError:
                    break
            assert size > 8192

    return tls if context else plain


def measured(server: Nginx, trust: Trust | None, *, encoded: bool = False) -> Get:
    """Give a GET by the path that the probes use, with all its records; ``encoded``: and their JSON line."""
    url = Url("https" if trust else "http", HOST, 443 if trust else 80, "/")
    port = server.https if trust else server.http

    async def get() -> None:
        journal = Journal()
        tcp, failure = await stream.connect(journal, "127.0.0.1", port)
        assert tcp is not None, failure
        connection: stream.Stream | secure.SecureStream = tcp
        if trust:
            tls, failure = await secure.handshake(journal, tcp, trust, HOST)
            assert tls is not None, failure
            connection = tls
        got = await transfer.exchange(journal, connection, url)
        connection.close()
        assert got.failure is None and len(got.raw_body) == 8192, got.failure
        measurement = Measurement(
            input=str(url),
            measurement_start_time="2026-01-01 00:00:00",
            software_version="0",
            test_keys=journal.keys(),
            test_name="fetch",
            test_start_time="2026-01-01 00:00:00",
        )
        assert not encoded or len(dumps(measurement)) > 8192

    return get


async def _drive(get: Get, count: int) -> None:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await get()

    async with trio.open_nursery() as nursery:
        for _ in range(CONCURRENCY):
            nursery.start_soon(worker)


def rate(get: Get, count: int) -> float:
    """GETs per second of CPU time of this process."""
    gc.collect()
    start = time.process_time()
    trio.run(_drive, get, count)
    return count / (time.process_time() - start)


def run(quick: bool) -> dict[str, Any]:
    """Run both clients in turns; gives goals and the bare client's figures."""
    rounds = 5 if quick else 15
    goals: list[dict[str, Any]] = []
    peer: dict[str, Any] = {}
    detail: dict[str, Any] = {}
    with nginx() as server, pinned(0, server.pid), pinned(1):
        trust = Trust(server.cafile)
        context = ssl.create_default_context(cafile=server.cafile)
        for scheme, used, bare_context, count in (("https", trust, context, 500), ("http", None, None, 2000)):
            ours, theirs = measured(server, used), bare(server, bare_context)
            whole = measured(server, used, encoded=True)
            trio.run(_drive, ours, 50)
            trio.run(_drive, theirs, 50)
            pairs = [(rate(ours, count), rate(theirs, count)) for _ in range(rounds)]
            detail[f"{scheme} gatewatch with encoded lines GET/s/core"] = round(
                sorted(rate(whole, count) for _ in range(3))[1]
            )
            ratios = sorted(a / b for a, b in pairs)
            ratio = ratios[len(ratios) // 2]
            goals.append(
                {
                    "name": f"fetch over {scheme}: share of bare trio sockets' rate",
                    "value": round(ratio, 3),
                    "goal": f">= {GOALS[scheme]}",
                    "met": ratio >= GOALS[scheme],
                    "beside": beside(
                        "bare trio GET/s/core",
                        statistics.median(a for a, _ in pairs),
                        statistics.median(b for _, b in pairs),
                        rounds=pairs,
                    ),
                }
            )
            detail[f"{scheme} gatewatch GET/s/core"] = round(sorted(a for a, _ in pairs)[rounds // 2])
            peer[f"{scheme} bare trio GET/s/core"] = round(sorted(b for _, b in pairs)[rounds // 2])
            detail[f"{scheme} ratio min..max"] = [round(ratios[0], 3), round(ratios[-1], 3)]
    return {"goals": goals, "peer": peer, "detail": detail}
