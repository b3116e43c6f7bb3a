"""Reading measurements back: line by line, in bounded memory, from whole files and from damaged ones."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

#: The file that grows, and what it becomes when the run is closed.
PLAIN = "measurements.jsonl"
PACKED = "measurements.jsonl.gz"

# Eleven bodies (ten redirects and what they lead to) of 512 KiB each, every byte written as six (\u0000),
# make 34 MiB.  Nothing that this software writes is longer than that with the rest of the record.
LONGEST = 40 * 2**20

_BLOCK = 2**16
# zlib's way to ask for a gzip header and trailer: 16 added to the largest window.
_GZIP = 31

Complain = Callable[[str], None]


def read(path: Path, complain: Complain | None = None) -> Iterator[bytes]:
    """Give the whole lines, newline included, of a run folder, a .jsonl or a .jsonl.gz file.

    A line cut off at the end (a run that goes on, a download that broke) is left out unless it is whole JSON;
    so is a line longer than LONGEST.  ``complain`` hears of both, in words.  Raises OSError when there is no
    such file.
    """
    say = complain or (lambda text: None)
    with _open(Path(path)) as file:
        blocks = iter(lambda: file.read(_BLOCK), b"")
        yield from _lines(unpacked(blocks, say) if file.name.endswith(".gz") else blocks, say)


def _open(path: Path) -> BufferedReader:
    if not path.is_dir():
        return path.open("rb")
    # A run that is just being closed changes from the one to the other between two calls.
    for name in (PLAIN, PACKED):
        try:
            return (path / name).open("rb")
        except FileNotFoundError:
            continue
    return (path / PLAIN).open("rb")


def unpacked(blocks: Iterator[bytes], say: Complain) -> Iterator[bytes]:
    """Unpack gzip in bounded pieces, up to where it is damaged (the gzip module gives up a piece earlier)."""
    unpack = zlib.decompressobj(wbits=_GZIP)
    fresh = True
    try:
        for packed in blocks:
            while packed or not fresh:
                if piece := unpack.decompress(packed, _BLOCK):
                    yield piece
                if unpack.eof:
                    # Another member may follow (RFC 1952, 2.2).
                    packed, unpack, fresh = unpack.unused_data, zlib.decompressobj(wbits=_GZIP), True
                elif not piece and not unpack.unconsumed_tail:
                    break
                else:
                    packed, fresh = unpack.unconsumed_tail, False
    except zlib.error as error:
        say(f"the compressed file is damaged ({error}); what stands before the damage was read")
        return
    if not fresh:
        say("the compressed file is cut off; what stands before the cut was read")


def _lines(blocks: Iterator[bytes], say: Complain) -> Iterator[bytes]:
    number = 1
    held: list[bytes] = []
    size = 0
    for block in blocks:
        start = 0
        while (end := block.find(b"\n", start) + 1) > 0:
            if size + end - start > LONGEST:
                say(f"line {number} is longer than {LONGEST} bytes and was left out")
            else:
                yield b"".join((*held, block[start:end]))
            held, size, start = [], 0, end
            number += 1
        size += len(block) - start
        # Of a line that is too long only the length is kept.
        held = [*held, block[start:]] if size <= LONGEST else []
    if size:
        last = b"".join(held)
        if size <= LONGEST and measured(last) is not None:
            yield last + b"\n"
        else:
            say(f"line {number} is cut off and was left out")


def measured(line: bytes) -> dict[str, Any] | None:
    """Read a line as one JSON object; None when it is damaged."""
    try:
        value = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def label(line: bytes) -> str:
    """Give the verdict's label that stands in a line; "no verdict" where there is none.

    Only the verdict is read: it stands near the end, behind test_keys, and what a page says inside a JSON
    string cannot look like it because quotes are escaped there.
    """
    at = line.rfind(b'"x_gatewatch_verdict":')
    if at < 0:
        return _NO_VERDICT
    text = line[at + len(b'"x_gatewatch_verdict":') :].decode("utf-8", "replace").lstrip()
    try:
        verdict, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return _NO_VERDICT
    return str(verdict.get("label", _NO_VERDICT)) if isinstance(verdict, dict) else _NO_VERDICT


_NO_VERDICT = "no verdict"
