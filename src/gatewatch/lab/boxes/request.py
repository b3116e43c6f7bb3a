"""What a plain HTTP request says before it is answered: which host, and which page of it."""

from __future__ import annotations

from gatewatch.lab.boxes.flow import FlowBox, Unclear

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


def target(stream: bytes) -> str:
    """Read what the first line asks for, "" where that cannot be told."""
    words = stream.partition(b"\r\n")[0].split(b" ")
    return words[1].decode("latin-1") if len(words) > 1 else ""


class HostBox(FlowBox):
    """A box that reads the Host header, and the page where only some are blocked."""

    def name(self, start: bytes) -> str | Unclear:
        """Read the Host header."""
        return host(start)

    def concerns(self, name: str, start: bytes) -> bool:
        """Act on blocked hosts, on blocked pages only where the box knows any."""
        plain = f"\r\nHost: {name.rstrip('.')}\r\n".encode()
        if self.description.literal and plain not in start:
            return False
        return self.description.matches(name) and self.description.reaches(target(start))
