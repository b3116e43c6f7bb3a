"""HTTP interference by Host header on port 80: a block page in the server's name, or RST."""

from __future__ import annotations

import html

from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.flow import FlowBox, Unclear
from gatewatch.lab.boxes.forge import acknowledge_end, answer, release, reset
from gatewatch.lab.packet import ACK, FIN, PSH, Segment, mss

# Every HTTP/1.1 method in use begins with one of these letters; it keeps other protocols out at the first
# byte.
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"OPTIONS ", b"DELETE ", b"PATCH ", b"TRACE ", b"CONNECT ")


def host(stream: bytes) -> str | Unclear:
    """Read the Host header from the first bytes of a connection, without a port."""
    if not any(stream.startswith(method[: len(stream)]) for method in _METHODS):
        return Unclear.NONE
    head, end, _ = stream.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for line in lines[1:] if end else lines[1:-1]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"host":
            return value.strip().decode("ascii", "replace").partition(":")[0].lower()
    return Unclear.NONE if end else Unclear.MORE


class HttpReset(FlowBox):
    """Answers the request with RST."""

    def name(self, start: bytes) -> str | Unclear:
        """Read the Host header."""
        return host(start)

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Reset the client; in the path the server too, which has not seen the request."""
        reset(trigger, wire, both=self.description.in_path, ttl=self.ttl)

    def linger(self, late: Segment, wire: Wire) -> None:
        """Reset again when the client repeats its request."""
        if late.data:
            reset(late, wire, ttl=self.ttl)


class BlockPage(FlowBox):
    """Answers the request with a page and FIN."""

    def name(self, start: bytes) -> str | Unclear:
        """Read the Host header."""
        return host(start)

    def page(self) -> bytes:
        """Give the whole response."""
        title, text = (html.escape(part) for part in (self.description.title, self.description.body))
        body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{text}</body></html>".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"Connection: close\r\n\r\n" + body

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Send the page with the numbers the client expects; in the path, end the server's side."""
        page, size = self.page(), mss(trigger.source)
        for start in range(0, len(page), size):
            flags = ACK if start + size < len(page) else ACK | PSH | FIN
            answer(trigger, wire, flags=flags, data=page[start : start + size], ahead=start, ttl=self.ttl)
        if self.description.in_path:
            release(trigger, wire)

    def linger(self, late: Segment, wire: Wire) -> None:
        """Let the client close in peace."""
        acknowledge_end(late, wire, ttl=self.ttl)
