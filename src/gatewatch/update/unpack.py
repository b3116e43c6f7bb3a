"""Lines of a fetched file, unpacked where it is packed, and no more of them than a data set may have."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from gatewatch.update.download import Refused

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 16
# The longest line of the formats read is a network's name beside two addresses.
_MAX_LINE = 1 << 20


def whole(path: Path, most: int) -> bytes:
    """Give a file's content, unpacked; raises Refused when there is more than ``most`` or it is damaged."""
    return b"".join(_pieces(path, most))


def lines(path: Path, most: int) -> Iterator[str]:
    """Give a file's lines without line ends; see :func:`whole`."""
    rest = b""
    for piece in _pieces(path, most):
        *done, rest = (rest + piece).split(b"\n")
        if len(rest) > _MAX_LINE:
            raise Refused("a line is too long")
        for line in done:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")


def _pieces(path: Path, most: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    total = 0
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            while piece := file.read(_PIECE):
                total += len(piece)
                if total > most:
                    raise Refused(f"it has more than {most} bytes, unpacked")
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refused(f"the archive is damaged: {error}") from None
