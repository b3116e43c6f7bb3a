import gzip
import random
import tracemalloc
import zlib
from collections.abc import Iterator

import h11
import pytest

from gatewatch.net.response import BODY_CAP, HEADER_CAP, WIRE_CAP, Malformed, Response

HEADERS = [
    ("Server", "nginx"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
    ("X-Empty", ""),
    ("X-Odd", "a: b"),
]
REASONS = {200: "OK", 204: "No Content", 302: "Found", 304: "Not Modified", 403: "Forbidden", 999: "Odd"}


def generated(seed: int) -> tuple[bytes, bytes]:
    """A well-formed response as it stands on the wire, and its body when decoded."""
    r = random.Random(seed)
    code = r.choice([200, 200, 200, 204, 302, 304, 403])
    body = b"" if code in (204, 304) else r.randbytes(r.choice([0, 1, 2, 50, 3000]))
    headers = r.sample(HEADERS, r.randrange(len(HEADERS) + 1))
    sent = body
    if r.random() < 0.3 and body:
        sent = gzip.compress(body) if r.random() < 0.5 else zlib.compress(body)
        headers.append(("Content-Encoding", "gzip" if sent[:2] == b"\x1f\x8b" else "deflate"))
    framing = r.choice(["length", "chunked", "close"])
    if code not in (204, 304) and framing == "length":
        headers.append(("Content-Length", str(len(sent))))
    elif code not in (204, 304) and framing == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
        chunks = b""
        while sent:
            size = r.randint(1, len(sent))
            chunks += b"%x%s\r\n%s\r\n" % (size, r.choice([b"", b";ext=1"]), sent[:size])
            sent = sent[size:]
        sent = chunks + b"0\r\n\r\n"
    r.shuffle(headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * r.choice([0, 0, 1, 3])
    return interim + f"HTTP/1.1 {code} {REASONS[code]}\r\n{head}\r\n".encode() + sent, body


def by_h11(wire: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """What the reference says: code, headers, body as sent (not decompressed)."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(wire)
    client.receive_data(b"")
    code, headers, body = 0, [], b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            code = event.status_code
            headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in event.headers.raw_items()]
        elif isinstance(event, h11.Data):
            body += event.data
    return code, headers, body


def pieces(wire: bytes, seed: int) -> Iterator[bytes]:
    r = random.Random(seed)
    while wire:
        size = r.choice([1, 2, 3, 7, 100, 5000])
        yield wire[:size]
        wire = wire[size:]


def fed(*parts: bytes) -> Response:
    response = Response()
    for part in parts:
        if not response.done:
            response.feed(part)
    return response


@pytest.mark.parametrize("seed", range(60))
def test_well_formed_responses_read_as_h11_reads_them_however_they_are_cut(seed: int) -> None:
    wire, body = generated(seed)
    code, headers, raw = by_h11(wire)
    for response in (fed(wire), fed(*pieces(wire, seed)), fed(*(bytes([b]) for b in wire))):
        assert response.end()
        assert (response.code, list(response.headers), response.body) == (code, headers, body)
        assert not response.truncated
    if "ontent-Encoding" not in str(headers):
        assert raw == body


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0"]
)
def test_a_response_cut_short_is_known_to_be(framing: bytes) -> None:
    wire = b"HTTP/1.1 200 OK\r\n" + framing
    assert not any(fed(wire[:size]).end() for size in range(len(wire)))


@pytest.mark.parametrize(
    ("wire", "code", "headers", "body"),
    [
        (b"HTTP/1.1 403\r\nServer: x\r\n\r\nno", 403, (("Server", "x"),), b"no"),
        (b"HTTP/1.1 403 \r\n\r\nno", 403, (), b"no"),
        (b"HTTP/1.0 200 OK\r\n\r\n", 200, (), b""),
        (b"HTTP/1 200 OK\n\n<p>", 200, (), b"<p>"),
        (b"HTTP/1.1 200 OK\nA: 1\nB:2\n\n<p>", 200, (("A", "1"), ("B", "2")), b"<p>"),
        (b"HTTP/1.1 200 OK\r\nA: 1\n\r\n<p>", 200, (("A", "1"),), b"<p>"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n: no name\r\nA:\r\n\r\n", 200, (("", "no name"), ("A", "")), b""),
        (b"HTTP/1.1 999 No\r\n\r\n", 999, (), b""),
        (b"HTTP/1.1 200 OK\r\nA: \xa0\xff\r\n\r\n", 200, (("A", "\xa0\xff"),), b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello", 200, (("Content-Length", "2"),), b"he"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", 200, (("Content-Length", "-2"),), b"hi"),
        (b"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\nhello", 204, (("Content-Length", "9"),), b""),
    ],
)
def test_bad_http_is_read_all_the_same(
    wire: bytes, code: int, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    for response in (fed(wire), fed(*(bytes([b]) for b in wire))):
        assert response.end()
        assert (response.code, response.headers, response.body) == (code, headers, body)


@pytest.mark.parametrize(
    "wire",
    [b"<html>blocked", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 000 \r\n\r\nx", b"\0" * 9],
)
def test_what_is_no_http_is_malformed_and_kept(wire: bytes) -> None:
    response = Response()
    with pytest.raises(Malformed):
        response.feed(wire)
    assert response.done and response.code == 0 and response.body == wire


def test_a_head_without_end_is_refused() -> None:
    response = Response()
    response.feed(b"HTTP/1.1 200 OK\r\nA: ")
    with pytest.raises(Malformed):
        for _ in range(HEADER_CAP // 4096 + 1):
            response.feed(b"a" * 4096)
    assert len(response.body) <= HEADER_CAP + 4096


def test_a_head_that_breaks_off_is_kept_as_evidence() -> None:
    response = fed(b"HTTP/1.1 302 Found\r\nLocation: http://bl")
    assert not response.end()
    assert (response.code, response.body) == (0, b"HTTP/1.1 302 Found\r\nLocation: http://bl")


def test_a_page_of_interim_responses_is_no_stack_overflow() -> None:
    assert fed(b"HTTP/1 100\n\n" * 5000 + b"HTTP/1.0 200\n\nx").body == b"x"


def test_a_length_of_thousands_of_digits_is_no_length() -> None:
    response = fed(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx")
    assert (response.code, response.body, response.end()) == (200, b"x", True)


@pytest.mark.parametrize(
    ("length", "body"), [(b"5, 5", b"Hello"), (b"5 ,\t5,5", b"Hello"), (b"5, 12", b"Hello, all")]
)
def test_a_length_that_is_said_twice_is_one_if_it_is_the_same(length: bytes, body: bytes) -> None:
    """Found by fuzzing, h11 beside; RFC 9112 6.3."""
    response = fed(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nHello, all")
    assert response.body == body


def test_the_body_is_cut_at_the_cap() -> None:
    response = fed(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * BODY_CAP, b"y")
    assert response.done and response.truncated and response.body == b"x" * BODY_CAP
    assert not fed(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * BODY_CAP).truncated


def test_the_cap_holds_inside_chunks_too() -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    response = fed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 9)
    assert response.done and response.truncated and len(response.body) == BODY_CAP


def test_a_decompression_bomb_unfolds_to_the_cap_only() -> None:
    bomb = gzip.compress(bytes(20_000_000), compresslevel=1)
    for parts in ([bomb], list(pieces(bomb, 1))):
        tracemalloc.start()
        response = fed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", *parts)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert response.truncated and len(response.body) == BODY_CAP and most < 5 * BODY_CAP


def test_what_only_claims_to_be_compressed_is_kept_as_it_is() -> None:
    response = fed(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", b"<p>plain", b" text")
    assert response.body == b"<p>plain text"


@pytest.mark.parametrize("size_line", [b"zz\r\n", b"-5\r\n", b"\r\n", b"f" * 2000])
def test_a_chunk_size_that_is_none_ends_the_body(size_line: bytes) -> None:
    response = fed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", size_line)
    assert response.done and response.body == b"a"


@pytest.mark.parametrize("seed", range(40))
def test_rubbish_raises_nothing_but_malformed(seed: int) -> None:
    r = random.Random(seed)
    wire = bytearray(generated(seed)[0])
    for _ in range(8):
        wire[r.randrange(len(wire))] = r.randrange(256)
    response = Response()
    try:
        for piece in pieces(bytes(wire), seed):
            if not response.done:
                response.feed(piece)
    except Malformed:
        assert response.done
    response.end()
    assert len(response.body) <= BODY_CAP


def squeezed(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def test_what_says_nothing_ends_all_the_same() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff"
    response, sent = Response(), 0
    response.feed(head)
    while not response.done:
        response.feed(b"\0\0\0\xff\xff" * 1000)  # stored blocks of no bytes
        sent += 5000
    assert response.truncated and len(response.body) <= BODY_CAP and sent <= WIRE_CAP + 5000
    members = Response()
    members.feed(head.partition(b"\x1f")[0])
    while not members.done:
        members.feed(squeezed(b"one" if members.size == 0 else b""))
    assert members.truncated and members.body == b"one"


def test_interim_responses_share_the_headers_room() -> None:
    response = Response()
    with pytest.raises(Malformed):
        for _ in range(HEADER_CAP // 2500 + 1):
            response.feed(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
