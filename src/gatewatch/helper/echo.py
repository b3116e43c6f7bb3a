"""The echo: what a request looked like when it arrived, told back byte by byte.

Middleboxes rewrite requests: header names in other letters, other hosts, a request line put right.  No HTTP
library may stand between the wire and this page, since all of them tidy up what they read; so it works on
the bytes.  A port of its own (``--echo-port``) answers whatever comes, also what is no HTTP at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: A longer head is cut here: nothing that a probe sends is near it.
HEAD_CAP = 16_384
#: More header lines than this are not told.
MAX_HEADERS = 256
#: The largest page of random bytes, for measurements of speed.
MAX_BYTES = 1 << 20

_END = re.compile(rb"\r?\n\r?\n")


def head_end(data: bytes | bytearray) -> int:
    """Give where a request's head ends (its blank line included), -1 when more must come."""
    found = _END.search(data)
    return found.end() if found else -1


def told(head: bytes, peer_port: int) -> dict[str, Any]:
    """Tell a request's head: its first line and its header lines, names and values as they came.

    ``peer_port`` is the port that the connection came from, which a NAT or a proxy will have changed.  Bytes
    are read as Latin-1, so that each stands for itself; a line without a colon is a name without a value.
    """
    end = head_end(head)
    lines = (head if end < 0 else head[:end]).decode("latin-1").split("\n")
    pairs = [line.removesuffix("\r").partition(":") for line in lines[1:] if line.strip("\r")]
    return {
        "request_line": lines[0].removesuffix("\r"),
        # One space after the colon is custom, not content; any other stays.
        "headers_list": [[name, value.removeprefix(" ")] for name, _, value in pairs[:MAX_HEADERS]],
        "peer_port": peer_port,
    }


def response(value: Mapping[str, Any], status: str = "200 OK") -> bytes:
    """Write a JSON value as a whole HTTP/1.1 response."""
    body = json.dumps(value).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
