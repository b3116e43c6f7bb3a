"""Putting a run right that ended anyhow: what was written whole is kept, what was not is set aside."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gatewatch.store.files import UNFINISHED, full_disk, replacing, sync_folder
from gatewatch.store.lines import LONGEST, PACKED, PLAIN, label, measured, unpacked

#: Where bytes go that were no whole measurement; nothing reads them but people.
DAMAGED = "damaged.txt"


@dataclass(slots=True)
class Found:
    """What a run already has: ids of the items measured, and how many measurements bear which label."""

    done: set[str] = field(default_factory=set)
    verdicts: Counter[str] = field(default_factory=Counter)


def recover(folder: Path) -> Found:
    """Make ``measurements.jsonl`` whole and say what is in it.

    - unfinished temporary files are deleted;
    - of both forms of the file the plain one counts: the compressed one was being made from it, or it from
      the compressed one, when the run was ended; it is unpacked when it is the only one;
    - damaged lines, wherever they stand, are moved to ``damaged.txt``.

    Holds one line in memory at a time.  Raises StoreFull when there is no room to unpack.
    """
    for leftover in folder.glob(f".*{UNFINISHED}"):
        leftover.unlink()
    plain, packed = folder / PLAIN, folder / PACKED
    if not plain.exists():
        if packed.exists():
            _unpack(packed, plain)
        else:
            plain.touch(mode=0o600)
            sync_folder(folder)
    with suppress(FileNotFoundError):
        packed.unlink()
    found = Found()
    bad: list[tuple[int, int]] = []
    for start, end, line in _scan(plain):
        record = measured(line) if line.endswith(b"\n") else None
        if record is None:
            bad.append((start, end))
            continue
        found.verdicts[label(line)] += 1
        if isinstance(item := record.get("x_gatewatch_item"), str):
            found.done.add(item)
    if bad:
        _set_aside(folder, bad)
    return found


def _unpack(packed: Path, plain: Path) -> None:
    with replacing(plain) as out, packed.open("rb") as file:
        # Damage can only come from outside: the lines before it are kept, the others measured again.
        for piece in unpacked(iter(lambda: file.read(2**20), b""), lambda text: None):
            out.write(piece)


def _scan(plain: Path) -> Iterator[tuple[int, int, bytes]]:
    """Give start, end and bytes of each line; of one beyond all bounds, pieces that are damaged lines."""
    with plain.open("rb") as file:
        start = 0
        while line := file.readline(LONGEST):
            yield start, start + len(line), line
            start += len(line)


def _set_aside(folder: Path, bad: list[tuple[int, int]]) -> None:
    """Move byte ranges of the plain file to damaged.txt: copied and flushed first, then cut."""
    plain = folder / PLAIN
    with full_disk(plain), plain.open("rb") as file, (folder / DAMAGED).open("ab") as damaged:
        for start, end in bad:
            file.seek(start)
            damaged.write(file.read(end - start).rstrip(b"\n") + b"\n")
        damaged.flush()
        os.fsync(damaged.fileno())
    sync_folder(folder)
    size = plain.stat().st_size
    tail = size
    # A power cut damages the end, mostly: then cutting is enough, and needs no room.
    while bad and bad[-1][1] == tail:
        tail = bad.pop()[0]
    with plain.open("r+b") as file:
        file.truncate(tail)
        os.fsync(file.fileno())
    if bad:
        with replacing(plain) as out, plain.open("rb") as file:
            for start, end in _between(bad, tail):
                file.seek(start)
                while start < end and (block := file.read(min(2**20, end - start))):
                    out.write(block)
                    start += len(block)


def _between(bad: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    start = 0
    for cut, end in bad:
        yield start, cut
        start = end
    yield start, size
