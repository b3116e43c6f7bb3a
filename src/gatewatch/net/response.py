"""HTTP/1.x responses, read as they come and not as they should be (RFC 9112), without doing I/O.

A block page is often bad HTTP: no reason phrase, bare line feeds, headers without values, an HTTP/1.0 status
line and nothing else.  A strict reader refuses it and loses the evidence; this one keeps every header line
that has a colon and every byte of body that came, and calls malformed only what has no status line.  It is
also what makes the measured path fast enough: a strict library costs more than TCP, TLS and all the records.
Everything is bounded: the header block, the body, what a compressed body unfolds to, and what it takes on the
wire to do so.
"""

from __future__ import annotations

import contextlib
import re
import zlib

# OONI web_connectivity 0.5 keeps 2^19 bytes of a body; the same, so that lengths compare.
BODY_CAP = 524_288
# Real header blocks stay under 16 KiB; servers with large cookies send up to four times that.
HEADER_CAP = 65_536
# What one response may take on the wire, however little comes out of it: compressed blocks and gzip members
# can be empty, and a body sent in chunks of one byte is six times as long.  A page of BODY_CAP bytes in
# chunks of 64 bytes passes whole.
WIRE_CAP = 1 << 20
# A status code has three digits and begins with 1 to 5 (RFC 9110 15); some filters answer 999.
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +([1-9]\d\d)(?: |\r?\n|$)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
# A chunk-size line: hexadecimal digits and extensions that nobody uses (RFC 9112 7.1.1).
_CHUNK_LINE_CAP = 1024
# More digits than any length has; Python refuses to read numbers of thousands of digits.
_LENGTH_DIGITS = 18


class Malformed(ValueError):
    """What came is no HTTP response; the bytes are kept in :attr:`Response.body`."""


class Response:
    """One response being received: feed bytes until :attr:`done`.

    ``code`` is 0 until the head is complete; ``headers`` are (name, value) pairs as received.
    """

    __slots__ = (
        "_buffer",
        "_chunk",
        "_inflate",
        "_interim",
        "_left",
        "_packed",
        "_parts",
        "_size",
        "_taken",
        "code",
        "done",
        "headers",
        "truncated",
    )

    def __init__(self) -> None:
        self.code = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.done = False
        self.truncated = False
        self._buffer = b""
        self._parts: list[bytes] = []
        self._size = 0
        # Bytes of interim responses, which share the header's cap, and bytes on the wire.
        self._interim = self._taken = 0
        # Bytes of body still to come; None: until the connection ends.
        self._left: int | None = None
        # Bytes left in the current chunk, its CRLF included; None: the body is not chunked.
        self._chunk: int | None = None
        self._inflate: zlib._Decompress | None = None
        # What came of a compressed body before anything could be inflated.
        self._packed = b""

    @property
    def body(self) -> bytes:
        """The body so far, decompressed, cut at :data:`BODY_CAP`; all that came while no head is whole."""
        return b"".join(self._parts if self.code else (*self._parts, self._buffer))

    @property
    def size(self) -> int:
        """How long :attr:`body` is."""
        return self._size if self.code else self._size + len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; raises :class:`Malformed`."""
        if len(data) > WIRE_CAP - self._taken:
            self._read(data[: WIRE_CAP - self._taken])
            self.truncated = self.done = True
        else:
            self._read(data)
        self._taken += len(data)

    def _read(self, data: bytes) -> None:
        if self.code == 0:
            searched = len(self._buffer)
            self._buffer += data
            data = self._read_head(searched)
            if self.code == 0:
                return
        if self._chunk is not None:
            self._read_chunks(data)
        elif self._left is None:
            self._keep(data)
        else:
            self._keep(data[: self._left])
            self._left -= len(data)
            self.done = self.done or self._left <= 0

    def end(self) -> bool:
        """The connection ended; True when the response is whole as far as its framing can tell."""
        whole = self.done or (self.code != 0 and self._left is None and self._chunk is None)
        self.done = True
        return whole

    def _read_head(self, searched: int) -> bytes:
        """Read the header block once it is whole, its end beyond ``searched``; gives the bytes after it."""
        while True:
            # The blank line may have begun in the last three bytes of what was searched before.
            end = _HEAD_END.search(self._buffer, max(0, searched - 3))
            if end is None:
                if len(self._buffer) > HEADER_CAP or not b"HTTP/".startswith(self._buffer[:5]):
                    self._refuse()
                return b""
            status = _STATUS.match(self._buffer)
            if status is None or end.start() > HEADER_CAP:
                self._refuse()
                return b""
            rest = self._buffer[end.end() :]
            if status[1][:1] != b"1":
                break
            # An interim response: the real one follows (RFC 9110 15.2).
            self._interim += end.end()
            self._buffer, searched = rest, 0
            if self._interim > HEADER_CAP:
                self._refuse()
                return b""
        lines = self._buffer[: end.start()].decode("latin-1").split("\n")[1:]
        pairs = [line.partition(":") for line in lines]
        self.headers = tuple((name, value.strip(" \t\r")) for name, colon, value in pairs if colon)
        self.code = int(status[1])
        self._buffer = b""
        self._frame()
        return rest

    def _refuse(self) -> None:
        self._keep(self._buffer)
        self._buffer = b""
        self.done = True
        raise Malformed("no HTTP status line")

    def _frame(self) -> None:
        """Find how the body ends, RFC 9112 6.3."""
        encoding = length = ""
        for name, value in self.headers:
            key = name.lower()
            if key == "content-length":
                length = value if "," not in value else _one_of(value)
            elif key == "content-encoding":
                encoding = value.lower()
            elif key == "transfer-encoding" and value.lower().endswith("chunked"):
                self._chunk = 0
        if encoding in ("gzip", "x-gzip", "deflate"):
            # 32 + 15: zlib finds out itself whether it is gzip or zlib.
            self._inflate = zlib.decompressobj(47)
        if self.code in (204, 304):
            self._left = 0
        elif self._chunk is None and length.isdecimal() and len(length) <= _LENGTH_DIGITS:
            self._left = int(length)
        self.done = self._left == 0

    def _read_chunks(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        while not self.done:
            if self._chunk:
                part = data[at : at + self._chunk]
                at += len(part)
                # The last two bytes of a chunk are its CRLF, of which a part may hold none, one or both.
                self._keep(part[: max(0, self._chunk - 2)])
                self._chunk -= len(part)
                if self._chunk or self.done:
                    break
            end = data.find(b"\n", at)
            if end < 0:
                self.done = len(data) - at > _CHUNK_LINE_CAP
                break
            try:
                size = int(data[at:end].split(b";")[0].strip() or b"0", 16)
            except ValueError:
                size = 0
            at = end + 1
            if size <= 0:
                self.done = True
            self._chunk = size + 2
        self._buffer = data[at:]

    def _keep(self, data: bytes) -> None:
        room = BODY_CAP - self._size
        if self._inflate is not None:
            data = self._inflated(self._inflate, data, room + 1)
        if len(data) > room:
            data = data[:room]
            self.truncated = self.done = True
        self._parts.append(data)
        self._size += len(data)

    def _inflated(self, inflate: zlib._Decompress, data: bytes, most: int) -> bytes:
        """Inflate; what is damaged comes as it is from there on, all of it where nothing was inflated before.

        The same comes out in whatever pieces a body arrives.
        """
        before = inflate.copy()
        packed = b"" if self._size else self._packed + data
        self._packed = packed
        try:
            found = inflate.decompress(data, most)
        except zlib.error:
            # zlib drops what it had inflated before the damage: once more, byte by byte.
            self._inflate, self._packed = None, b""
            found, at = b"", 0
            with contextlib.suppress(zlib.error):
                while len(found) < most:
                    found += before.decompress(data[at : at + 1], most)
                    at += 1
            return found + data[at:] if found or self._size else packed
        if found:
            self._packed = b""
        elif len(packed) > BODY_CAP:
            # A header that does not end.
            self._inflate, self._packed = None, b""
            return packed
        return found


def _one_of(lengths: str) -> str:
    """Some proxies join a length that was sent twice: the same again is that length, others are none."""
    first, *others = (length.strip(" \t") for length in lengths.split(","))
    return first if all(other == first for other in others) else ""
