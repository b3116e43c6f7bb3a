"""HTTP/1.1 over a stream: one request, one bounded response, one df-001 record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import trio

from gatewatch.net.errors import Eof, translate
from gatewatch.net.journal import Journal
from gatewatch.net.response import Malformed, Response
from gatewatch.net.secure import SecureStream
from gatewatch.net.stream import Stream
from gatewatch.net.url import Url
from gatewatch.records import HttpRequest, HttpResponse, Transaction

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
# What JSON writes as \\u00XX, and the share of a text that is something else.
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r"))
_MOST_TEXT = 0.9


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
    response = Response()
    failure: str | None = None
    try:
        await converse(connection, head(method, url, sent) + body, response)
    except (OSError, Malformed, trio.Cancelled) as error:
        failure = translate(error)
        if isinstance(error, trio.Cancelled):
            raise
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
        raw = response.body
        shown = _record(response, raw[: journal.room()])
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
            response=shown,
            t0=t0,
            t=journal.now(),
            tags=tags,
            transaction_id=tcp.transaction_id,
        )
        journal.transactions.append(record)
    return Transferred(record, raw)


async def converse(connection: Stream | SecureStream, request: bytes, response: Response) -> None:
    """Send a request and read its response to the end; raises OSError or Malformed."""
    await connection.send(request)
    while not response.done:
        data = await connection.receive()
        if data:
            response.feed(data)
        elif not response.end():
            raise Eof("the response is cut short")


def head(method: str, url: Url, headers: Iterable[tuple[str, str]]) -> bytes:
    """Write a request's head."""
    lines = [f"{method} {url.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def written(raw: bytes) -> str | bytes:
    """Give a body as a record holds it: text where it is text, else bytes, which are written in base64.

    Control characters take six bytes of JSON each, so that a page full of zeros would be six times as long.
    """
    if len(raw.translate(None, _CONTROLS)) < len(raw) * _MOST_TEXT:
        return raw
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _record(response: Response, kept: bytes) -> HttpResponse:
    return HttpResponse(
        body=written(kept),
        body_is_truncated=response.truncated or len(kept) < response.size,
        code=response.code,
        headers=dict(response.headers),
        headers_list=response.headers,
    )
