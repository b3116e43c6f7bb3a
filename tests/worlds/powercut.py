"""What a power cut leaves: of what was not flushed some is there, some is not, and some is torn.

While a process works, what it flushed is noted (:class:`Recorder`).  When it is dead, :func:`cut` makes the
folder that a machine could find after the power came back, as POSIX lets it be:

- what a file held when it was last flushed is there; of what was written since, each sector of 512 bytes may
  be there or not, and the file may have any length in between;
- of the changes in a folder (made, renamed, deleted) those before its last flush are there, of later ones the
  first few, in each folder by itself; only a rename is there on both sides or on neither;
- a folder whose own name was not flushed in the one above may be gone with all that is in it.

Common file systems promise more than this (ext4 keeps the order over all folders), so what survives here
survives there.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.worlds.disk import Step

_SECTOR = 512
_TOP = 0


class Recorder:
    """Notes in ``side``, a folder on the same disk, what is flushed of all that lies ``below`` a folder."""

    def __init__(self, below: Path, side: Path) -> None:
        self._below = below.resolve()
        self._side = side
        side.mkdir(parents=True, exist_ok=True)
        self._log = os.open(side / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._nodes: dict[str, int] = {str(self._below): _TOP}
        self._files: dict[tuple[int, int], int] = {}
        self._next = _TOP
        for folder, folders, files in os.walk(self._below):
            for name in sorted([*folders, *files]):
                self._made(str(Path(folder, name)), name in folders, old=True)

    def hear(self, step: Step) -> None:
        """Note a step that was taken."""
        if step.what == "make":
            self._made(step.path, step.folder)
        elif step.what == "rename":
            self._renamed(step.path, step.other)
        elif step.what == "delete":
            self._deleted(step.path)
        elif step.what == "flush":
            node = self._nodes.get(step.path)
            if step.folder and node is not None:
                self._say("flush", node)
            elif not step.folder and (key := _key(step.fd)) in self._files:
                self._safe(self._files[key])

    def _made(self, path: str, folder: bool, *, old: bool = False) -> None:
        above = self._nodes.get(os.path.dirname(path))  # noqa: PTH120
        if above is None or path in self._nodes:
            return
        self._next += 1
        node = self._next
        self._nodes[path] = node
        if not folder:
            # A second name for it, so that what it holds can be looked at when it is deleted.
            os.link(path, self._side / f"{node}", follow_symlinks=False)
            self._files[_key(path)] = node
            if old:
                self._safe(node)
        self._say("old" if old else "link", above, _name(path), node, folder)

    def _safe(self, node: int) -> None:
        shutil.copyfile(self._side / f"{node}", self._side / f"{node}.new")
        os.replace(self._side / f"{node}.new", self._side / f"{node}.safe")  # noqa: PTH105

    def _renamed(self, path: str, other: str) -> None:
        if path not in self._nodes:
            # Made by somebody who does not tell, such as pyarrow: under its new name it is seen first.
            self._nodes.pop(other, None)
            self._made(other, os.path.isdir(other))  # noqa: PTH112
            return
        self._say(
            "rename",
            self._nodes[os.path.dirname(path)],  # noqa: PTH120
            _name(path),
            self._nodes[os.path.dirname(other)],  # noqa: PTH120
            _name(other),
        )
        moved = {old: node for old, node in self._nodes.items() if _is_below(old, path)}
        for old in [old for old in self._nodes if _is_below(old, other)] + list(moved):
            del self._nodes[old]
        self._nodes |= {other + old[len(path) :]: node for old, node in moved.items()}

    def _deleted(self, path: str) -> None:
        if path in self._nodes:
            self._say("unlink", self._nodes[os.path.dirname(path)], _name(path))  # noqa: PTH120
            del self._nodes[path]

    def _say(self, *words: Any) -> None:
        os.write(self._log, json.dumps(words).encode() + b"\n")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _name(path: str) -> str:
    return os.path.basename(path)  # noqa: PTH119


def _key(place: str | int) -> tuple[int, int]:
    about = os.stat(place, follow_symlinks=isinstance(place, int))  # noqa: PTH116
    return about.st_dev, about.st_ino


def cut(side: Path, into: Path, chance: random.Random) -> None:
    """Make in ``into``, a new folder, what a machine may find when the power is back."""
    log = [json.loads(line) for line in (side / "log").read_bytes().splitlines()]
    entries: dict[int, dict[str, int]] = defaultdict(dict)
    folders = {_TOP}
    changes: dict[int, list[int]] = defaultdict(list)
    kept: dict[int, int] = defaultdict(int)
    for number, (what, *about) in enumerate(log):
        if what in ("old", "link"):
            above, name, node, folder = about
            if folder:
                folders.add(node)
            if what == "old":
                entries[above][name] = node
                continue
            changes[above].append(number)
        elif what == "rename":
            for place in {about[0], about[2]}:
                changes[place].append(number)
        elif what == "unlink":
            changes[about[0]].append(number)
        else:
            kept[about[0]] = len(changes[about[0]])
    for place, numbers in changes.items():
        least, most = kept[place], len(numbers)
        kept[place] = chance.choice((least, most, chance.randint(least, most)))
    _agree(log, changes, kept)
    alive = sorted({number for place, numbers in changes.items() for number in numbers[: kept[place]]})
    # In the order in which they were made, each on its own folder.
    for number in alive:
        what, *about = log[number]
        if what == "link":
            entries[about[0]][about[1]] = about[2]
        elif what == "unlink":
            entries[about[0]].pop(about[1], None)
        elif (node := entries[about[0]].pop(about[1], None)) is not None:
            entries[about[2]][about[3]] = node
    _lay_out(_TOP, entries, folders, side, into, chance)


def _agree(log: list[list[Any]], changes: dict[int, list[int]], kept: dict[int, int]) -> None:
    """Let a rename be there on both sides, and with it what came before it in either folder."""
    again = True
    while again:
        again = False
        for place in list(changes):
            for number in changes[place][: kept[place]]:
                if log[number][0] != "rename":
                    continue
                for other in {log[number][1], log[number][3]}:
                    at = changes[other].index(number) + 1
                    if kept[other] < at:
                        kept[other] = at
                        again = True


def _lay_out(
    node: int,
    entries: dict[int, dict[str, int]],
    folders: set[int],
    side: Path,
    into: Path,
    chance: random.Random,
) -> None:
    into.mkdir(mode=0o700)
    for name, below in entries[node].items():
        if below in folders:
            _lay_out(below, entries, folders, side, into / name, chance)
            continue
        seen = side / f"{below}"
        safe = side / f"{below}.safe"
        now = seen.read_bytes()
        then = safe.read_bytes() if safe.exists() else b""
        (into / name).write_bytes(now if now == then else torn(then, now, chance))
        shutil.copystat(seen, into / name)


def torn(then: bytes, now: bytes, chance: random.Random) -> bytes:
    """Give a file of which ``then`` was flushed and ``now`` was written."""
    way = chance.randrange(4)
    if way < 2:
        return (then, now)[way]
    size = chance.choice((len(then), len(now), chance.randint(*sorted((len(then), len(now))))))
    out = bytearray()
    for start in range(0, size, _SECTOR):
        source = chance.choice((then, now))
        out += source[start : start + _SECTOR].ljust(_SECTOR, b"\0")
    return bytes(out[:size])
