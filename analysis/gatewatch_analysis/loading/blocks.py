"""What is in a file: blocks of whole lines, decompressed and out of archives, a few at a time.

Both tables are made of these blocks.  No more than a block and one line (``MAX_LINE``) is ever held, so that
neither a large dataset nor a decompression bomb fills the memory.  What cannot be read is reported and
stepped over.
"""

from __future__ import annotations

import contextlib
import json
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

from gatewatch_analysis.loading.sources import ARCHIVES, LINES, WHOLE, Report, Source

# Bodies are cut at 512 KiB where they are written, and base64 makes 700 KiB of that; a web_connectivity
# measurement may hold some twenty of them (redirects, and a fetch for each address).
MAX_LINE = 32 * 2**20
#: Bytes read at a time: some dozen measurements, which stay in a processor's cache.
BLOCK = 2**18
#: Bytes of a plain file that are one piece of work: seconds of it, and enough pieces for many cores.
PIECE = 64 * 2**20
# Bytes of a compressed file read at a time; zlib's window bits for gzip's format.
_PACKED, _GZIP = 2**18, 31
# What a probe sent to OONI's collector, in their archives: {"format": "json", "content": {...}}.
_POST = ".post"
_TROUBLE = (OSError, EOFError, zlib.error, tarfile.TarError)
# Members of a tar archive that say something of the next one, the bytes they may have, and how often one may
# go on reading behind the end.
_EXTENDED = frozenset(
    (
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    )
)
_HEADER, _DRY = 2**20, 8


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A source, or those lines of it that begin within a range of bytes."""

    source: Source
    start: int = 0
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one file (of ``archive:member`` in an archive).

    ``line`` is the number of the first, from 1 in its piece.  ``whole``: all of it is one text, and no lines.
    ``ends``: where its line ends are, where they were sought.
    """

    file: str
    line: int
    data: bytes
    whole: bool = False
    ends: tuple[int, ...] | None = None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines with their numbers, blank ones left out."""
        texts = [self.data] if self.whole else self.data.split(b"\n")
        for number, text in enumerate(texts, self.line):
            if text and not text.isspace():
                yield number, text

    def line_ends(self) -> tuple[int, ...]:
        """Give where each line ends; the last one may end with the data."""
        ends = _ends(self.data) if self.ends is None else self.ends
        return ends if self.data.endswith(b"\n") else (*ends, len(self.data))

    @property
    def count(self) -> int:
        """How many lines it has, blank ones included."""
        return 1 if self.whole else len(self.line_ends())


def _ends(data: bytes) -> tuple[int, ...]:
    # From one to the next: bytes.count goes byte by byte.
    found, find, at = [], data.find, -1
    while (at := find(b"\n", at + 1)) >= 0:
        found.append(at)
    return tuple(found)


def pieces(sources: Iterable[Source], size: int = PIECE) -> list[Piece]:
    """Cut large plain files into ranges of about ``size`` bytes; all else stays whole."""
    found: list[Piece] = []
    for source in sources:
        if not source.name.endswith(LINES[0]) or source.size < 2 * size:
            found.append(Piece(source))
            continue
        starts = range(0, source.size, size)
        # The last one goes on to the end, wherever a growing file has that by now.
        found += [Piece(source, at, at + size if at + size < source.size else None) for at in starts]
    return found


def blocks(piece: Piece, report: Report) -> Iterator[Block]:
    """Give the blocks of a piece, in order.

    What cannot be read (a line too long, a file cut off within its compressed stream) is reported.
    """
    name = piece.source.name
    at = _At()
    try:
        store = piece.source.store()
        with store.open(store.root) as stream:
            if piece.start or piece.stop is not None:
                yield from _range(stream, piece, report, at)
            elif name.endswith(ARCHIVES):
                yield from _archive(stream, name, report, at)
            else:
                yield from _file(stream, name, name, report, at)
    except _TROUBLE as error:
        report(at.member or name, at.line, f"reading ends here: {type(error).__name__}: {error}")


class _At:
    """Where reading is, for the report when it ends."""

    def __init__(self) -> None:
        self.line = 1
        self.member = ""


def _unpacked(stream: _Readable, name: str) -> _Readable:
    if name.endswith((".gz", ".tgz")):
        return _Gunzip(stream)
    if name.endswith(".zst"):
        return _Unzstd(stream)
    return stream


class _Unzstd:
    """A zstd stream."""

    def __init__(self, stream: _Readable) -> None:
        import pyarrow as pa

        self._stream = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")

    def read(self, size: int = -1, /) -> bytes:
        """Give at most ``size`` bytes; raises OSError for what is no zstd."""
        # Not by read(), which never frees its room for the bytes of a stream that turns out to be damaged.
        return bytes(self._stream.read_buffer(size if size >= 0 else None).to_pybytes())


class _Gunzip:
    """A gzip stream that gives all it holds before it complains (:mod:`gzip` drops what it had read)."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._left = stream.read(_PACKED)
        self._part = zlib.decompressobj(_GZIP)
        self._empty = not self._left

    def read(self, size: int = -1, /) -> bytes:
        """Give at most ``size`` bytes; raises EOFError at the end of a file that was cut off."""
        while not self._empty:
            if self._part.eof:
                # Another member may follow, or zeros that fill up a tape's block (gzip(1)).
                self._left = self._part.unused_data.lstrip(b"\0") or self._stream.read(_PACKED).lstrip(b"\0")
                if not self._left:
                    break
                self._part = zlib.decompressobj(_GZIP)
            data = self._part.decompress(self._left, max(size, 0))
            self._left = self._part.unconsumed_tail
            if data:
                return data
            if not self._left and not self._part.eof:
                self._left = self._stream.read(_PACKED)
                if not self._left:
                    raise EOFError("the compressed stream is cut off")
        return b""


def _file(stream: _Readable, name: str, told: str, report: Report, at: _At) -> Iterator[Block]:
    plain = _unpacked(stream, name)
    if not name.endswith(WHOLE):
        yield from _lines(plain, told, report, at)
        return
    text = _all(plain)
    if len(text) > MAX_LINE:
        # Somebody's lines under another name: those are read one by one.
        if _has_lines(text):
            yield from _lines(_Rejoined(text, plain), told, report, at)
        else:
            report(told, 1, f"more than {MAX_LINE} bytes")
    else:
        yield Block(told, 1, text, whole=not _has_lines(text))


def _all(stream: _Readable) -> bytes:
    """Read to the end, or just past the longest line."""
    parts, size = [], 0
    while size <= MAX_LINE and (data := stream.read(min(BLOCK, MAX_LINE + 1))):
        parts.append(data)
        size += len(data)
    return b"".join(parts)


def _has_lines(text: bytes) -> bool:
    """Tell whether a text is one object a line: the first line ends its object, and another one follows."""
    first, _, rest = text[:MAX_LINE].lstrip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip()[:1] == b"{"


class _Rejoined:
    """A stream from whose beginning something was taken."""

    def __init__(self, head: bytes, rest: _Readable) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = -1, /) -> bytes:
        """Give what was taken first, then the rest."""
        if self._head:
            given, self._head = self._head[:size], self._head[size:]
            return given
        return self._rest.read(size)


def _lines(stream: _Readable, name: str, report: Report, at: _At) -> Iterator[Block]:
    size = min(BLOCK, MAX_LINE)
    rest: list[bytes] = []
    held = 0
    data = stream.read(size)
    while data:
        cut = data.rfind(b"\n") + 1
        if not cut:
            rest.append(data)
            held += len(data)
            data = b""
            if held > MAX_LINE:
                report(name, at.line, f"more than {MAX_LINE} bytes")
                at.line += 1
                rest, held = [], 0
                data = _after_newline(stream, size)
            data = data or stream.read(size)
            continue
        # By a view, since each copy of all the bytes costs a tenth of what decoding them does.
        text = b"".join((*rest, memoryview(data)[:cut])) if rest else data[:cut]
        rest = [data[cut:]] if cut < len(data) else []
        held = len(data) - cut
        if (first := text.find(b"\n") + 1) > MAX_LINE:
            report(name, at.line, f"more than {MAX_LINE} bytes")
            at.line += 1
            text = text[first:]
        if text:
            ends = _ends(text)
            block = Block(name, at.line, text, ends=ends)
            at.line += len(ends)
            yield block
        data = stream.read(size)
    if held:
        block = Block(name, at.line, b"".join(rest))
        at.line += 1
        yield block


def _after_newline(stream: _Readable, size: int) -> bytes:
    """Step over the rest of a line, ``size`` bytes at a time; gives what was read behind it."""
    while data := stream.read(size):
        if (cut := data.find(b"\n") + 1) > 0:
            return data[cut:]
    return b""


def _range(stream: IO[bytes], piece: Piece, report: Report, at: _At) -> Iterator[Block]:
    if piece.start:
        # The line that holds the byte before belongs to the range before.
        stream.seek(piece.start - 1)
        stream.seek(piece.start - 1 + _to_newline(stream))
    stop = piece.stop
    if stop is None:
        yield from _lines(stream, piece.source.name, report, at)
    elif (begin := stream.tell()) < stop:
        stream.seek(stop - 1)
        end = stop - 1 + _to_newline(stream)
        stream.seek(begin)
        yield from _lines(_Limited(stream, end - begin), piece.source.name, report, at)


def _to_newline(stream: IO[bytes]) -> int:
    """Count the bytes up to and with the next end of a line, or of the file."""
    passed = 0
    while data := stream.read(65_536):
        if (cut := data.find(b"\n") + 1) > 0:
            return passed + cut
        passed += len(data)
    return passed


class _Limited:
    """A stream that ends early."""

    def __init__(self, stream: _Readable, left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int = -1, /) -> bytes:
        """Give what is left, at most ``size`` bytes."""
        data = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data


class _Tape:
    """What :mod:`tarfile` reads from.

    It steps over a member by the size that its header claims, which may be terabytes behind the end.
    """

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._dry = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give at most ``size`` bytes; raises EOFError for who goes on reading at the end."""
        data = self._stream.read(size)
        self._dry = 0 if data else self._dry + 1
        if self._dry > _DRY:
            raise EOFError("the archive ends within a member")
        return data


class _Member(tarfile.TarInfo):
    """A member whose long names and other headers are no bombs: tarfile reads those into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size > _HEADER and self.type in _EXTENDED:
            raise tarfile.ReadError("a header without end")
        made: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return made


def _archive(stream: _Readable, name: str, report: Report, at: _At) -> Iterator[Block]:
    """Read an archive as it comes, never going back."""
    plain = _unpacked(stream, name)
    passed = 0
    with tarfile.open(fileobj=cast("Any", _Tape(plain)), mode="r|", tarinfo=_Member) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined] # or it would remember millions of them
            at.member, at.line = f"{name}:{member.name}", 1
            if not member.isfile():
                continue
            content = archive.extractfile(member)
            if content is None or not member.name.endswith((*LINES, *WHOLE, _POST)):
                passed += 1
                continue
            if member.name.endswith(_POST):
                yield Block(at.member, 1, _posted(_all(content)), whole=True)
                continue
            try:
                yield from _file(content, member.name, at.member, report, at)
            except _TROUBLE as error:
                report(at.member, at.line, f"reading ends here: {type(error).__name__}: {error}")
    at.member = ""
    if passed:
        report(name, 0, f"{passed} members of other kinds are not read")


def _posted(text: bytes) -> bytes:
    """Take the measurement out of what was sent to a collector; anything else stays as it is."""
    with contextlib.suppress(ValueError, RecursionError):
        sent = json.loads(text)
        content = sent.get("content") if isinstance(sent, dict) else None
        if isinstance(content, str):
            return content.encode("utf-8", "surrogatepass")
        if isinstance(content, dict):
            return json.dumps(content).encode()
    return text
