"""HTTP/1.1 by h11 over a stream: one request, one bounded response, one df-001 record.

Everything that comes is hostile until bounded: the header block, the body, and what a compressed body
unfolds to.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import h11
import trio

from gatewatch.net.errors import Eof, translate
from gatewatch.net.journal import Journal
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url
from gatewatch.records import HttpRequest, HttpResponse, Transaction

# OONI web_connectivity 0.5 keeps 2^19 bytes of a body; the same, so that lengths compare.
BODY_CAP = 524_288
# Real header blocks stay under 16 KiB; servers with large cookies send up to four times that.
HEADER_CAP = 65_536
# What OONI's probes send, so that sites answer us as they answer its helper (reference: ooni/probe-cli).
BROWSER_HEADERS = (
    (
        "User-Agent",
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/131.0.0.0 Safari/537.36"
        ),
    ),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.9"),
)


@dataclass(frozen=True, slots=True)
class Transferred:
    """A finished transaction: its record, and the decoded body as bytes (cut at :data:`BODY_CAP`)."""

    record: Transaction
    raw_body: bytes

    @property
    def failure(self) -> str | None:
        """The df-007 failure, or None."""
        return self.record.failure

    @property
    def location(self) -> str | None:
        """The Location header of a redirect, or None."""
        response = self.record.response
        if response is None or response.code not in (301, 302, 303, 307, 308):
            return None
        for name, value in response.headers_list or ():
            if str(name).lower() == "location":
                return str(value)
        return None


class _Body:
    """A response body that grows to its cap, decompressed on the way."""

    def __init__(self, encoding: str) -> None:
        # 32 + 15: zlib finds out itself whether it is gzip or zlib.
        self._inflate = zlib.decompressobj(47) if encoding in ("gzip", "x-gzip", "deflate") else None
        self._parts: list[bytes] = []
        self._size = 0
        self.truncated = False

    def add(self, data: bytes) -> bool:
        """Take more of the body; False when it is full."""
        room = BODY_CAP - self._size
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(data, room + 1)
            except zlib.error:
                # Not compressed after all, or damaged: keep what came from here on as it is.
                self._inflate = None
        if len(data) > room:
            data = data[:room]
            self.truncated = True
        self._parts.append(data)
        self._size += len(data)
        return not self.truncated

    def bytes(self) -> bytes:
        return b"".join(self._parts)


async def exchange(
    journal: Journal,
    connection: Stream | SecureStream,
    url: Url,
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = BROWSER_HEADERS,
    body: bytes = b"",
    tags: tuple[str, ...] | None = None,
) -> Transferred:
    """Send one request and read its response; a failure is in the record, not raised.

    The connection is not reused (``Connection: close``) and stays open for the caller to close.
    """
    tcp = connection.tcp if isinstance(connection, SecureStream) else connection
    tags = tcp.tags if tags is None else tags
    sent = [("Host", url.netloc), *headers, ("Accept-Encoding", "gzip"), ("Connection", "close")]
    if body:
        sent.append(("Content-Length", str(len(body))))
    t0 = journal.now()
    journal.event("http_transaction_start", tcp.transaction_id, tags, t0, address=tcp.endpoint, proto="tcp")
    machine = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=HEADER_CAP)
    head: h11.Response | None = None
    collected = _Body("")
    failure: str | None = None
    try:
        request = machine.send(h11.Request(method=method, target=url.target, headers=sent)) or b""
        if body:
            request += machine.send(h11.Data(data=body)) or b""
        await connection.send(request + (machine.send(h11.EndOfMessage()) or b""))
        while True:
            event = machine.next_event()
            if event is h11.NEED_DATA:
                data = await connection.receive()
                if not data and head is None:
                    raise Eof("no response")
                machine.receive_data(data)
            elif isinstance(event, h11.Response):
                head = event
                collected = _Body(_header(event, b"content-encoding"))
            elif isinstance(event, h11.Data):
                if not collected.add(bytes(event.data)):
                    break
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                break
    except trio.Cancelled as error:
        failure = translate(error)
        raise
    except (OSError, h11.ProtocolError) as error:
        failure = translate(error)
    finally:
        journal.event(
            "http_transaction_done",
            tcp.transaction_id,
            tags,
            t0,
            failure=failure,
            address=tcp.endpoint,
            proto="tcp",
        )
        raw = collected.bytes()
        record = Transaction(
            address=tcp.endpoint,
            alpn="http/1.1" if isinstance(connection, SecureStream) else "",
            failure=failure,
            request=HttpRequest(
                body=body.decode("utf-8", "replace"),
                headers=dict(sent),
                headers_list=tuple(sent),
                method=method,
                url=str(url),
                x_transport="tcp",
            ),
            response=_response(head, raw, collected.truncated),
            t0=t0,
            t=journal.now(),
            tags=tags,
            transaction_id=tcp.transaction_id,
        )
        journal.transactions.append(record)
    return Transferred(record, raw)


def _header(event: h11.Response, name: bytes) -> str:
    return next((bytes(v).decode("latin-1").strip().lower() for n, v in event.headers if n == name), "")


def _response(head: h11.Response | None, raw: bytes, truncated: bool) -> HttpResponse:
    if head is None:
        return HttpResponse(headers={}, headers_list=())
    pairs = tuple(
        (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
        for name, value in head.headers.raw_items()
    )
    try:
        body: str | bytes = raw.decode("utf-8")
    except UnicodeDecodeError:
        body = raw
    return HttpResponse(
        body=body,
        body_is_truncated=truncated,
        code=head.status_code,
        headers=dict(pairs),
        headers_list=pairs,
    )
