"""The hostile requests of the benchmark `hostile`: every kind, and what is right to answer."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import trio

from gatewatch.lab.servers.traps import DOMAIN, NAMES, PRIVATE

_AGENT = b"User-Agent: gatewatch\r\n"


@dataclass(frozen=True)
class Hostile:
    """One hostile request: what to do, and whether what came back was right."""

    kind: str
    send: Callable[[trio.SocketStream], Awaitable[None]]
    right: Callable[[bytes], str]
    #: Read nothing: the helper must end the connection on its own.
    deaf: bool = False


def status(answer: bytes) -> int:
    """Give an answer's status code, 0 for none."""
    found = re.match(rb"HTTP/1\.1 (\d\d\d)", answer)
    return int(found[1]) if found else 0


def body(answer: bytes) -> Any:
    """Give an answer's JSON; raises ValueError."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def refused(*codes: int) -> Callable[[bytes], str]:
    """The answer must be an error in words, with one of these codes (any of 4xx without)."""

    def right(answer: bytes) -> str:
        try:
            said = body(answer).get("error")
        except (ValueError, AttributeError):
            return f"no JSON error: {answer[:120]!r}"
        code = status(answer)
        good = code in codes if codes else 400 <= code < 500
        return "" if good and said else f"status {code}: {said!r}"

    return right


def failed(answer: bytes) -> str:
    """The answer must be a measurement whose page was not fetched and that connected to nothing private."""
    if status(answer) != 200:
        return refused()(answer)
    said = body(answer)
    if said["http_request"]["failure"] is None:
        return f"fetched: {said['http_request']}"
    tried = [endpoint.rpartition(":")[0].strip("[]") for endpoint in said["tcp_connect"]]
    private = [a for a in tried if re.match(r"(127|10|192\.168|172\.16|169\.254|100\.64|0)\.|::|fd", a)]
    return f"connected to {private}" if private else ""


def measured(answer: bytes) -> str:
    """The answer must be a measurement, whatever it says, of bounded size."""
    if status(answer) != 200:
        return refused()(answer)
    page = body(answer)["http_request"]
    return "" if page["body_length"] <= 524_288 else f"body of {page['body_length']}"


def written(text: bytes) -> Callable[[trio.SocketStream], Awaitable[None]]:
    """Send a request as it stands."""

    async def send(stream: trio.SocketStream) -> None:
        await stream.send_all(text)

    return send


def request(payload: bytes, *, method: bytes = b"POST", path: bytes = b"/", more: bytes = b"") -> bytes:
    """Write a request."""
    head = method + b" " + path + b" HTTP/1.1\r\nHost: helper\r\n" + _AGENT + more
    return head + b"Content-Length: %d\r\n\r\n" % len(payload) + payload


def ask(url: str, *endpoints: str) -> bytes:
    """Write a question."""
    return request(json.dumps({"http_request": url, "tcp_connect": endpoints}).encode())


_PRIVATE4: tuple[str, ...] = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.9.9",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.1.1",
    "0.0.0.0",
)
_PRIVATE4 += ("224.0.0.1", "255.255.255.255", "198.18.0.1", "203.0.113.1", "192.0.2.1", "103.5.24.10")
_PRIVATE6 = ("::1", "::", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "2002:7f00:1::")
_PORTS: tuple[int, ...] = (
    1,
    7,
    19,
    21,
    22,
    23,
    25,
    53,
    110,
    111,
    135,
    139,
    143,
    389,
    445,
    465,
    587,
    631,
    873,
    993,
    2049,
    3306,
)
_PORTS += (3389, 5432, 5900, 6000, 6379, 6667, 9200, 10080, 11211, 27017)


def notations() -> list[str]:
    """Private addresses in every notation that some resolver reads."""
    found = []
    for text in _PRIVATE4:
        a, b, c, d = (int(part) for part in text.split("."))
        number = a << 24 | b << 16 | c << 8 | d
        found += [text, f"{text}.", str(number), hex(number), f"0{number:o}"]
        found += [
            f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
            f"{a:#x}.{b:#x}.{c:#x}.{d:#x}",
            f"{a}.{b << 16 | c << 8 | d}",
        ]
        found += [
            f"[::ffff:{text}]",
            f"[::{text}]",
            f"[64:ff9b::{text}]",
            f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::]",
        ]
        found += [
            f"user@{text}",
            f"live.com@{text}",
            f"{text}%00.live.com",
            f"{text}#@live.com",
            f"{text}\\@live.com",
        ]
    return (
        found
        + [f"[{text}]" for text in _PRIVATE6]
        + ["localhost", "LOCALHOST", "printer.local", "db.internal"]
    )


async def _stream_forever(stream: trio.SocketStream) -> None:
    """A body of 10 GB, until the helper has enough."""
    await stream.send_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    for _ in range(160_000):
        await stream.send_all(chunk)


async def _drip_head(stream: trio.SocketStream) -> None:
    await stream.send_all(b"POST / HTTP/1.1\r\nHost: a\r\n")
    while True:
        await trio.sleep(1)
        await stream.send_all(b"X: y\r\n")


async def _drip_body(stream: trio.SocketStream) -> None:
    await stream.send_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n")
    while True:
        await trio.sleep(1)
        await stream.send_all(b" ")


async def _break_off(stream: trio.SocketStream, text: bytes) -> None:
    await stream.send_all(text)
    await stream.send_eof()


def _any(_: bytes) -> str:
    return ""


def kinds(rng: random.Random, quick: bool) -> list[tuple[int, Callable[[], Hostile]]]:
    """Every kind of hostile request with its weight; ``quick`` leaves out those that take their time."""

    def of(kind: str, make: Callable[[], bytes], right: Callable[[bytes], str]) -> Callable[[], Hostile]:
        return lambda: Hostile(kind, written(make()), right)

    spelled = notations()
    deep = (b"[" * 50_000, b'{"a":' * 12_000, b'{"http_request":' + b"[" * 40_000)
    bad_json = (
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        b'{"http_request": 1}',
        b'{"http_request": "x"',
        b"{}",
    )
    junk = (
        os.urandom(500) + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\n",
    )
    broken = (b"POST / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Le", request(b"{}")[:-1], b"G")
    sizes: tuple[bytes, ...] = (
        b"Content-Length: 10000000000\r\n\r\n",
        b"Content-Length: 99999999999999999999999\r\n\r\n",
    )
    sizes += (b"Content-Length: -1\r\n\r\n", b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n")
    bomb, endless, silent = (f"http://{label}.{DOMAIN}/" for label in ("bomb", "endless", "silent"))
    wrong: tuple[tuple[bytes, bytes], ...] = (
        (b"DELETE", b"/"),
        (b"BREW", b"/"),
        (b"CONNECT", b"live.com:443"),
        (b"GET", b"/../../etc/passwd"),
    )
    wrong += (
        (b"GET", b"/bytes/99999999"),
        (b"GET", b"http://live.com/"),
        (b"OPTIONS", b"*"),
        (b"PUT", b"/echo"),
    )
    good = ask("http://live.com/")

    def crowd() -> bytes:
        """As many endpoints as are tried, all of them TLS servers, and QUIC besides."""
        some = [f"104.16.{rng.randrange(200)}.{rng.randrange(1, 255)}:443" for _ in range(100)]
        asked = {"http_request": "https://live.com/", "tcp_connect": some, "x_quic_enabled": True}
        return request(json.dumps(asked).encode())

    def broken_off() -> Hostile:
        text = rng.choice(broken)
        return Hostile("truncated requests", lambda stream: _break_off(stream, text), refused(400))

    found: list[tuple[int, Callable[[], Hostile]]] = [
        (20, of("private addresses", lambda: ask(f"http://{rng.choice(spelled)}/"), refused(400, 403))),
        (
            5,
            of(
                "private endpoints",
                lambda: ask("https://refused.com/", *(f"{a}:443" for a in rng.choices(_PRIVATE4, k=60))),
                failed,
            ),
        ),
        (2, of("crowds of endpoints", crowd, measured)),
        (5, of("names of private addresses", lambda: ask(f"http://{rng.choice([*PRIVATE])}/"), failed)),
        (10, of("redirects", lambda: ask(f"http://{rng.choice(NAMES[:15])}/"), failed)),
        (5, of("ports", lambda: ask(f"http://live.com:{rng.choice(_PORTS)}/"), refused(403))),
        (5, of("gzip bombs", lambda: ask(bomb), measured)),
        (5, of("pages of 10 GB", lambda: ask(endless), measured)),
        (2, of("pages of headers and cookies", lambda: ask(f"http://{rng.choice(NAMES[-2:])}/"), measured)),
        (8, of("malformed JSON", lambda: request(rng.choice(bad_json)), refused(400))),
        (4, of("deep nesting", lambda: request(rng.choice(deep)), refused(400))),
        (
            3,
            of(
                "headers without end",
                lambda: request(b"", more=b"X: y\r\n" * rng.choice((100, 1000, 20_000))),
                refused(431),
            ),
        ),
        (
            3,
            of("one long header", lambda: request(b"", more=b"X: " + b"y" * 100_000 + b"\r\n"), refused(431)),
        ),
        (5, of("wrong methods and paths", lambda: _wrong(rng.choice(wrong)), refused(400, 404, 405))),
        (4, of("binary junk", lambda: rng.choice(junk), refused(400))),
        (3, of("pipelined junk", lambda: good + good[:50] + os.urandom(2000), measured)),
        (
            3,
            of(
                "wrong lengths",
                lambda: b"POST / HTTP/1.1\r\nHost: a\r\n" + rng.choice(sizes),
                refused(400, 413),
            ),
        ),
        (4, broken_off),
        (2, lambda: Hostile("bodies of 10 GB", _stream_forever, refused(413))),
    ]
    if not quick:
        reading = written(request(b"", method=b"GET", path=b"/bytes/1048576"))
        found += [
            (1, lambda: Hostile("slow heads", _drip_head, refused(408))),
            (1, lambda: Hostile("slow bodies", _drip_body, refused(408))),
            (1, of("sites that are silent", lambda: ask(silent), failed)),
            (1, lambda: Hostile("slow readers", reading, _any, deaf=True)),
        ]
    return found


def _wrong(what: tuple[bytes, bytes]) -> bytes:
    return request(b"", method=what[0], path=what[1])


def requests(count: int, rng: random.Random, quick: bool) -> list[Hostile]:
    """Give so many hostile requests of all kinds, in any order; every kind is there."""
    known = kinds(rng, quick)
    made = [make() for _, make in known]
    weights = [weight for weight, _ in known]
    if not count:
        return []
    made += [make() for _, make in rng.choices(known, weights, k=max(0, count - len(made)))]
    rng.shuffle(made)
    return made[:count] if count < len(made) else made
