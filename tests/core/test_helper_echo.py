"""The echo tells what came, and puts nothing right."""

import json

import pytest

from gatewatch.helper import echo


@pytest.mark.parametrize(
    ("head", "line", "headers"),
    [
        (b"GeT / HTTP/1.1\r\nhOsT: a\r\nX:  y\r\n\r\nbody", "GeT / HTTP/1.1", [["hOsT", "a"], ["X", " y"]]),
        (b"nonsense\r\n\r\n", "nonsense", []),
        (b"GET / HTTP/1.1\nA:b\nno colon\n\n", "GET / HTTP/1.1", [["A", "b"], ["no colon", ""]]),
        (b"\xff\x00 \t\r\n\r\n", "\xff\x00 \t", []),
        (b"", "", []),
    ],
)
def test_a_head_is_told_byte_by_byte(head: bytes, line: str, headers: list[list[str]]) -> None:
    assert echo.told(head, 4000) == {"request_line": line, "headers_list": headers, "peer_port": 4000}


@pytest.mark.parametrize(
    ("data", "end"), [(b"a\r\n\r\nb", 5), (b"a\n\nb", 3), (b"a\r\nb\r\n", -1), (b"", -1), (b"a\n\r\n", 4)]
)
def test_where_a_head_ends(data: bytes, end: int) -> None:
    assert echo.head_end(data) == end


def test_a_response_is_whole() -> None:
    head, _, body = echo.response({"a": 1}).partition(b"\r\n\r\n")
    assert json.loads(body) == {"a": 1} and b"Content-Length: %d" % len(body) in head


def test_header_lines_are_not_told_without_end() -> None:
    head = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n"
    assert len(echo.told(head, 1)["headers_list"]) == echo.MAX_HEADERS
