"""HTTP interference by Host header on port 80: a block page or a redirect to one, RST, FIN, silence."""

from __future__ import annotations

import html
from http import HTTPStatus

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.cut import End, Reset, Swallow
from gatewatch.lab.boxes.forge import acknowledge_end, answer, release
from gatewatch.lab.boxes.loopback import ask
from gatewatch.lab.boxes.request import HostBox
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import ACK, FIN, PSH, Segment, mss, unpacked

# Headers that belong to the body they came with, or would lead away from the page.
_OF_THE_BODY = frozenset({"content-length", "content-encoding", "transfer-encoding", "location"})


def markup(description: scenario.Box) -> bytes:
    """Write a box's page: title and text, or the body as it stands where that is markup already."""
    if description.body.startswith("<"):
        return description.body.encode()
    title, text = html.escape(description.title), html.escape(description.body)
    head = f"<head><title>{title}</title></head>" if title else ""
    return f"<!DOCTYPE html><html>{head}<body>{text}</body></html>".encode()


def response(status: int, fields: list[str], body: bytes) -> bytes:
    """Write a response with these header lines, its length added."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class HttpReset(HostBox, Reset):
    """Answers the request with RST."""


class HttpEof(HostBox, End):
    """Answers the request with FIN."""


class HttpDrop(HostBox, Swallow):
    """Swallows the request and what follows."""


class BlockPage(HostBox):
    """Answers the request with a page and FIN."""

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._asked = b""  # the request that is being answered

    def catch(self, packet: bytearray, trigger: Segment, start: bytes, wire: Wire) -> None:
        """Answer the whole request, of which the trigger may be the last piece only."""
        self._asked = start
        super().catch(packet, trigger, start, wire)

    def page(self, trigger: Segment) -> bytes:
        """Give the whole response."""
        fields = [*self.description.headers, "Content-Type: text/html; charset=utf-8", "Connection: close"]
        if self.description.copies_headers:
            fields = self._origins(trigger) or fields
        return response(self.description.status, fields, markup(self.description))

    def _origins(self, trigger: Segment) -> list[str]:
        """The header lines with which the server itself answers this request."""
        said = ask(self.world, unpacked(trigger.destination), trigger.dport, self._asked)
        lines = said.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return [line for line in lines if line.partition(":")[0].lower() not in _OF_THE_BODY]

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Send the page with the numbers the client expects; in the path, end the server's side."""
        page, size = self.page(trigger), mss(trigger.source)
        for start in range(0, len(page), size):
            flags = ACK if start + size < len(page) else ACK | PSH | FIN
            data = page[start : start + size]
            answer(trigger, wire, flags=flags, data=data, ahead=start, hand=self.hand)
        if self.description.in_path:
            release(trigger, wire)

    def linger(self, late: Segment, wire: Wire) -> None:
        """Let the client close in peace."""
        acknowledge_end(late, wire, hand=self.hand)


class HttpRedirect(BlockPage):
    """Answers the request with a redirect to the host of a block page."""

    def page(self, trigger: Segment) -> bytes:
        """Lead away."""
        fields = [f"Location: {self.description.location}", *self.description.headers, "Connection: close"]
        return response(302, fields, b"")
