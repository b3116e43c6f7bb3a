"""Which files there are: run folders, files of lines, archives, single measurements; on disks or by URL."""

from __future__ import annotations

import glob
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewatch_analysis.loading.stores import NoDataset, Store, store_of

# run.json is written by the store: vantage, versions, and a row for each item that was skipped.
_MAX_RUN_FILE = 8 * 2**20

#: What tells a run folder, and where its prefix table would be.
RUN_FILE, PREFIXES = "run.json", "prefixes.csv"
_PLAN_FILE = "plan.json"
# Beside runs: how the last unattended one went, which is no measurement (gatewatch.unattended.status).
_STATUS_FILE = "status.json"
# Beside runs: those that a deletion has not ended with; they are none any more (gatewatch.store.erase).
_GOING = ".deleting"
# The plain file is the live one; beside it a compressed one is what a crash left while the run was closed.
_LINES = ("measurements.jsonl", "measurements.jsonl.gz")
_MARKS = (RUN_FILE, _PLAN_FILE, *_LINES)

_PACKED = ("", ".gz", ".zst")
#: Endings of what can be read: lines, archives, and a single measurement (or a list of results) as one text.
LINES = tuple(f".jsonl{packed}" for packed in _PACKED)
ARCHIVES = (*(f".tar{packed}" for packed in _PACKED), ".tgz")
WHOLE = tuple(f".json{packed}" for packed in _PACKED)
_ENDINGS = (*LINES, *ARCHIVES, *WHOLE)

# A file that `results upload` put into a folder holds lines of one run, and each says on what network it was
# made, among its first words (gatewatch.upload.store, gatewatch.runner.about).
_UPLOADED = re.compile(r"[0-9a-f]{64}\.jsonl\.gz")
_EMULATED = re.compile(rb'"annotations": ?\{[^{}]*"network_type": ?"lab"')
_HEAD = 4096

# A clock that is an hour off puts what was measured on another side of an event; the days are the clock's.
_WRONG_S = 3600

#: Takes file, line (0 for the file as a whole) and what is wrong.
Report = Callable[[str, int, str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """One file of measurements, and what its run folder says of all of them.

    ``name`` is the path or URL under which it is told, and opened again in another process (:meth:`open`).
    ``size`` is in bytes, as stored.
    """

    name: str
    run: str
    isp: str | None = None
    lab: bool = False
    prefixes: Path | None = None
    size: int = 0
    alone: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def store(self) -> Store:
        """Give the store that it lies in; its ``root`` is the file."""
        return store_of(self.name, self.options)


def find(
    paths: Iterable[str | Path], report: Report, options: Mapping[str, Any] | None = None
) -> list[Source]:
    """List the files that ``paths`` name, each once.

    A path is a file, a folder (searched at any depth), a pattern with ``*``, or any of these as a URL that
    fsspec knows; ``options`` are fsspec's, for URLs.  Raises :class:`NoDataset` for what is not there.
    """
    found: dict[str, Source] = {}
    for path in paths:
        store = store_of(path, options)
        try:
            for source in _named(path, store, _Finder(store, report, options or {})):
                # One file by two names is read once.
                local = store.system is None
                found.setdefault(os.path.realpath(source.name) if local else source.name, source)
        except NoDataset:
            raise
        except Exception as error:
            # Each store has errors of its own kind (no credentials, no such bucket, no network).
            if store.system is None:
                raise
            raise NoDataset(f"{path} cannot be reached: {type(error).__name__}: {error}") from error
    return list(found.values())


def _named(path: str | Path, store: Store, finder: _Finder) -> Iterator[Source]:
    if store.is_folder(store.root):
        yield from finder.in_folder(store.root)
    elif store.exists(store.root):
        yield finder.of_file(store.root)
    elif glob.has_magic(store.root):
        matches = list(store.matches(store.root))
        if not matches:
            raise NoDataset(f"{path} matches nothing")
        for match in matches:
            if store.is_folder(match):
                yield from finder.in_folder(match)
            elif match.endswith(_ENDINGS):
                yield finder.of_file(match)
    else:
        raise NoDataset(f"{path} does not exist")


class _Finder:
    """Makes sources of the files of one store."""

    def __init__(self, store: Store, report: Report, options: Mapping[str, Any]) -> None:
        self._store = store
        self._report = report
        self._options = options

    def of_file(self, file: str) -> Source:
        folder, name = os.path.split(file)
        if name in _LINES and self._store.is_file(_join(folder, RUN_FILE)):
            return self._of_run(folder, file)
        if not name.endswith(_ENDINGS):
            raise NoDataset(f"{file} is no run folder, and no {', '.join(_ENDINGS)} file")
        return self._source(file, run=_bare(name), lab=self._emulated(file, name))

    def in_folder(self, folder: str) -> Iterator[Source]:
        by_folder: dict[str, dict[str, str]] = {}
        for file in self._store.files(folder):
            here, name = os.path.split(file)
            by_folder.setdefault(here, {})[name] = file
        runs = {here for here, names in by_folder.items() if any(mark in names for mark in _MARKS)}
        for root in {os.path.split(run)[0] for run in runs}:
            by_folder.get(root, {}).pop(_STATUS_FILE, None)
        for here, names in by_folder.items():
            if _is_gone(here, folder):
                continue
            if here in runs:
                lines = next((names[name] for name in _LINES if name in names), None)
                if lines is not None:
                    yield self._of_run(here, lines)
            elif not any(_is_below(here, run) for run in runs):
                yield from self._loose(names)

    def _loose(self, names: Mapping[str, str]) -> Iterator[Source]:
        lines = {_bare(name) for name in names if name.endswith(LINES)}
        for name, file in names.items():
            if not name.endswith(_ENDINGS):
                continue
            if name.endswith(ARCHIVES) and _bare(name) in lines:
                # OONI keeps each hour twice: as lines, and as an archive of what probes sent.
                self._report(self._store.name(file), 0, "is not read: the same stands beside it as lines")
                continue
            yield self._source(file, run=_bare(name), lab=self._emulated(file, name))

    def _emulated(self, file: str, name: str) -> bool:
        """Tell whether an uploaded file was measured in the lab: nothing else stands beside it to say so."""
        if not _UPLOADED.fullmatch(name):
            return False
        try:
            with self._store.open(file) as stream:
                start = zlib.decompressobj(wbits=31).decompress(stream.read(_HEAD), _HEAD)
        except (OSError, zlib.error):
            return False  # reading it will say what is wrong
        return bool(_EMULATED.search(start))

    def _source(self, file: str, **about: Any) -> Source:
        try:
            size = self._store.size(file)
        except OSError:
            size = 0  # opening it will say what is wrong
        return Source(
            self._store.name(file), **about, size=size, alone=self._store.alone, options=dict(self._options)
        )

    def _of_run(self, folder: str, file: str) -> Source:
        about: object = {}
        path = _join(folder, RUN_FILE)
        try:
            with self._store.open(path) as stream:
                about = json.loads(stream.read(_MAX_RUN_FILE))
        except FileNotFoundError:
            self._report(
                self._store.name(path), 0, "is missing: the network's name is taken from the measurements"
            )
        except (OSError, ValueError, RecursionError) as error:
            self._report(self._store.name(path), 0, f"cannot be read: {type(error).__name__}")
        run = about if isinstance(about, dict) else {}
        ahead = run.get("clock_offset_s")
        if isinstance(ahead, int | float) and abs(ahead) >= _WRONG_S:
            self._report(
                self._store.name(path),
                0,
                f"the clock was {ahead / 3600:+.1f} hours off, and dates what is in it",
            )
        vantage = run.get("vantage")
        isp = vantage.get("isp") if isinstance(vantage, dict) else None
        local = self._store.system is None
        return self._source(
            file,
            run=Path(folder).resolve().name if local else folder.rstrip("/").rpartition("/")[2],
            isp=isp if isinstance(isp, str) and isp else None,
            lab=bool(run.get("lab")),
            prefixes=self._prefixes(folder),
        )

    def _prefixes(self, folder: str) -> Path | None:
        path = _join(folder, PREFIXES)
        if not self._store.is_file(path):
            return None
        if self._store.system is None:
            return Path(path)
        self._report(self._store.name(path), 0, "is not read from here: give a local copy as prefix table")
        return None


def _join(folder: str, name: str) -> str:
    return os.path.join(folder, name) if folder else name  # noqa: PTH118 (URLs are no Paths)


def _is_gone(here: str, folder: str) -> bool:
    """Whether it lies below a folder of deletions; who names that folder itself means it."""
    return _GOING in here.removeprefix(folder).replace(os.sep, "/").split("/")


def _is_below(folder: str, above: str) -> bool:
    return folder.startswith((f"{above}/", f"{above}{os.sep}"))


def _bare(name: str) -> str:
    """Give a file's name without the endings that say how it is written."""
    ending = max((e for e in _ENDINGS if name.endswith(e)), key=len, default="")
    return name.removesuffix(ending)
