"""Fuzz targets: HTTP: responses in pieces and against h11, addresses and where redirects lead, pages."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Hashable
from datetime import UTC, datetime
from random import Random

import h11
import requests

from benchmarks.fuzz import mutate, shapes
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.lab.servers import http as lab
from gatewatch.net import url as urls
from gatewatch.net.response import BODY_CAP, Malformed, Response
from gatewatch.records import control
from gatewatch.runner import line
from gatewatch.update import download, renew
from gatewatch.upload import backoff
from gatewatch.verdict.likeness import compare, signs
from gatewatch_targets import url as spelling


def _fed(pieces: list[bytes]) -> tuple[Response, str]:
    got = Response()
    try:
        for piece in pieces:
            if got.done:
                break
            got.feed(piece)
    except Malformed:
        return got, "malformed"
    return got, "whole" if got.end() else "cut"


def http_response(data: bytes) -> Hashable:
    """Read a response at once and in pieces: the same must come out; then as h11 reads it, where it does."""
    whole, ending = _fed([data])
    rng = Random(len(data))
    pieces, at = [], 0
    while at < len(data):
        size = rng.choice((1, 2, 3, 7, 60, 1460))
        pieces.append(data[at : at + size])
        at += size
    cut, other = _fed(pieces)
    if (whole.code, whole.headers) != (cut.code, cut.headers) and "malformed" not in (ending, other):
        raise Differs(f"at once {whole.code}, in pieces {cut.code}")
    if ending == other != "malformed" and whole.body != cut.body:
        raise Differs(f"a body of {len(whole.body)} bytes at once, of {len(cut.body)} in pieces")
    if len(whole.body) > BODY_CAP or len(cut.body) > BODY_CAP:
        raise Differs("a body larger than the cap")
    if ending == "whole":
        _like_h11(whole, data)
    return whole.code, ending, other, len(whole.headers), whole.truncated, bool(whole.body)


def _like_h11(ours: Response, data: bytes) -> None:
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    peer.send(h11.EndOfMessage())
    body, code, plain = b"", 0, True
    try:
        peer.receive_data(data)
        peer.receive_data(b"")
        while not isinstance(event := peer.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(event, h11.Response):
                code = event.status_code
                plain = not any(name == b"content-encoding" for name, _ in event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
            elif event in (h11.NEED_DATA, h11.PAUSED):
                return
    except h11.RemoteProtocolError:
        return  # it is strict, which is why it is not used on the measured path
    if code and (code != ours.code or (plain and body[:BODY_CAP] != ours.body)):
        raise Differs(f"h11 reads {code} and {len(body)} bytes, we {ours.code} and {len(ours.body)}")


_OK = b"HTTP/1.1 200 OK\r\n"


def _response_seeds() -> list[bytes]:
    page = b"<html><head><title>A page</title></head><body>Hello</body></html>"
    packed = gzip.compress(page, mtime=0)
    found = [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nServer: nginx\r\n\r\n" % len(page) + page,
        b"HTTP/1.0 403 Forbidden\n\n" + page,
        b"HTTP/1.1 301 Moved\r\nLocation: https://www.example.com/a?b#c\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
        _OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n4;x=y\r\n all\r\n0\r\nT: t\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(page),
    ]
    for reply in (
        lab.Reply(200, (("Content-Type", "text/html"),), page),
        lab.Reply(502, (), page, chunked=True),
    ):
        fields = "".join(f"{name}: {value}\r\n" for name, value in lab.header_fields(reply))
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page) if reply.chunked else page
        found.append(f"HTTP/1.1 {reply.status} OK\r\n{fields}\r\n".encode() + body)
    return found


_HTTP = mutate.joined(
    mutate.words(
        (
            *(
                b"\r\n",
                b"\n",
                b"\r\n\r\n",
                b"HTTP/1.1 200 OK\r\n",
                b"HTTP/1.1 103 x\r\n\r\n",
                b"Content-Length: ",
            ),
            *(
                b"Content-Length: 0\r\n",
                b"Content-Length: 99999999999\r\n",
                b"Transfer-Encoding: chunked\r\n",
            ),
            *(
                b"Content-Encoding: gzip\r\n",
                b"Content-Encoding: br\r\n",
                b"0\r\n\r\n",
                b"ffffffffffffffff\r\n",
            ),
            *(b"-1\r\n", b"1_0\r\n", b"0x5\r\n", b" 5 ;\r\n", b"\t5\r\n", b": ", b"Content-Length: 5, 5\r\n"),
        )
    ),
    mutate.lines,
)


def http_url(data: bytes) -> Hashable:
    """Read an address; then follow it as a Location header, and name who registered its host."""
    text = data.decode("latin-1" if data[:1] == b"\xff" else "utf-8", "replace")
    base = urls.parse("https://www.example.com/a/b?c")
    try:
        found = urls.redirected(base, text)
    except ValueError as error:
        return type(error).__name__, str(error)[:6]
    again = urls.parse(str(found))
    if again != found:
        raise Differs(f"{found} is read again as {again}")
    if not str(found).isascii() or any(c in str(found) for c in "\r\n\0 "):
        raise Differs(f"{str(found)!r} would be sent")
    urls.registered(found.host)
    known = spelling.parse(str(found), urls.LONGEST)
    return (
        found.scheme,
        known.is_ip,
        known.is_public,
        found.port == 443,
        text.isascii(),
        found.host.count(".") > 3,
    )


def _url_seeds() -> list[bytes]:
    return [
        *(b"https://www.example.com/a?b=c#d", b"http://[2001:db8::1]:8080/", b"/a/../b", b"//example.org/x"),
        *(
            b"http://192.0.2.1",
            b"../c",
            b"?q",
            "https://bücher.example/ü".encode(),
            b"HTTP://EXAMPLE.com.:80",
        ),
        *(
            b"https://xn--bcher-kva.example",
            "https://ไทย.example".encode(),
            b"javascript:x",
            b"http://0x7f.1/",
        ),
    ]


_URL = mutate.joined(
    mutate.words(
        (
            *(
                b"://",
                b"http://",
                b"https:",
                b"//",
                b"/",
                b"\\",
                b"@",
                b":",
                b"#",
                b"?",
                b"%00",
                b"%",
                b"..",
                b"[",
            ),
            *(
                b"]",
                b":0",
                b":99999",
                b"xn--",
                b"xn--a",
                "ß".encode(),
                "．".encode(),
                "\u202e".encode(),
                b"\xff",
            ),
            *(
                b"0x7f",
                b"127.1",
                b"::ffff:",
                b"%25eth0",
                b".onion",
                b"\t",
                b"\n",
                b" ",
                "\u00ad".encode(),
                b".",
            ),
        )
    ),
    mutate.blind,
)


def http_page(data: bytes) -> Hashable:
    """Look at a page and its headers for titles, structure, known block pages, portals, challenges."""
    head, _, raw = data.partition(b"\n\n")
    body = raw.decode("utf-8", "replace")
    headers = {
        name: value for line in head.decode("latin-1").split("\n") for name, _, value in [line.partition(":")]
    }
    title = compare.title(raw)
    control.title(raw)
    h3 = control.h3_endpoint(list(headers.items()), "www.example.com:443")
    shape = compare.same_shape(raw, body), compare.is_notice(body), compare.same_title(title, body[:200])
    compare.same_headers(headers, {"Server": "nginx"}), compare.same_server(headers, headers)
    locations = [value for name, value in headers.items() if name.lower() == "location"]
    seen = signs.shown(body, title, headers, "KH").id, signs.led(locations, locations, "KH").id
    turned = signs.challenge(403, title, headers, body), signs.portal(302, locations, body)
    return seen, turned, shape, bool(title), bool(h3)


def _page_seeds() -> list[bytes]:
    page = b"<html><head><title>%s</title></head><body>%s<a href='/'>x</a></body></html>"
    found = [
        b"Server: nginx\n\n" + page % (b"A page &amp; more", b"<p>Hello</p>" * 20),
        b'Alt-Svc: h3=":443"; ma=1, h2="a:1"\nLocation: http://1.2.3.4/login?url=x\n\n' + page % (b"x", b""),
        b"cf-mitigated: challenge\n\n" + page % (b"Just a moment...", b"checking your browser"),
    ]
    for sign in signs._table().bodies[:12]:
        found.append(b"Server: x\n\n" + page % (b"t", sign.pattern.encode("utf-8", "replace")))
    return found


_PAGE = mutate.joined(
    mutate.words(
        (
            b"<",
            b">",
            b"<title>",
            b"<title",
            b"</",
            b"&#",
            b"&amp;",
            b"<a ",
            b"\n\n",
            b"<p" * 3000,
            b"&#x110000;",
        )
    ),
    mutate.lines,
)


def http_fields(data: bytes) -> Hashable:
    """Read what servers say of time, length and place: of a beacon, a mirror, a collector."""
    text = data.decode("latin-1").strip()
    offset, after = line._offset({"Date": text}), backoff.retry_after(text, 1.7e9)
    answer = requests.Response()
    answer.url, answer.status_code = "https://mirror.example/a", 206
    answer.headers.update({"Content-Length": text, "Content-Range": text})
    try:
        begins = download._begins(answer, 5)
    except download.Refused:
        begins = -1
    day = renew._sane(renew._http_date(text), _NOW)
    return offset is None, after is None or after > 9e4, bool(day), begins, download._total(answer, 5) is None


_NOW = datetime(2026, 11, 24, tzinfo=UTC)
_FIELDS = [
    *(b"Mon, 02 Nov 2026 00:00:00 GMT", b"Monday, 02-Nov-26 00:00:00 GMT", b"Mon Nov  2 00:00:00 2026"),
    *(b"Mon, 02 Nov 2026 00:00:00 -0000", b"120", b"1048576", b"bytes 5-99/100", b"bytes 5-99/*"),
]
_WORDS = (
    *(b"+0000", b"+9999", b"-2359", b"+99999999999999", b"GMT", b" ", b",", b":", b"-", b"/", b"99999"),
    *(b"9" * 30, b"9" * 5000, b"0001", b"9999", b"31 Dec", b"Feb", b"\xb2", b"1e9", b"*", b"bytes "),
)
TARGETS = {
    "http-fields": Target(http_fields, lambda: _FIELDS, mutate.words(_WORDS)),
    "http-response": Target(
        http_response, _response_seeds, mutate.joined(_HTTP, shapes.packed(mutate.blind))
    ),
    "http-url": Target(http_url, _url_seeds, _URL),
    "http-page": Target(http_page, _page_seeds, _PAGE),
}
