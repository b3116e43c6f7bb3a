"""Where the lines come from: run folders, JSON lines plain or compressed, and single OONI measurements.

Lines are read one at a time and never more than ``MAX_LINE`` bytes of one, so that neither a large dataset
nor a decompression bomb fills the memory.  What cannot be read is reported and stepped over.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

# Bodies are cut at 512 KiB where they are written, and base64 makes 700 KiB of that; a web_connectivity
# measurement may hold some twenty of them (redirects, and a fetch for each address).
MAX_LINE = 32 * 2**20
# run.json is written by the store: vantage, versions, and a row for each item that was skipped.
_MAX_RUN_FILE = 8 * 2**20

#: What tells a run folder, and where its prefix table would be.
RUN_FILE, PREFIXES = "run.json", "prefixes.csv"
_PLAN_FILE = "plan.json"
# The plain file is the live one; beside it a compressed one is what a crash left while the run was closed.
_LINES = ("measurements.jsonl", "measurements.jsonl.gz")
_SUFFIXES = (".jsonl", ".jsonl.gz")

#: Takes file, line (0 for the file as a whole) and what is wrong.
Report = Callable[[Path, int, str], None]


class NoDataset(Exception):
    """A path that was asked for is not there, or is no dataset: the caller's mistake."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of measurements, and what its run folder says of all of them."""

    file: Path
    run: str
    isp: str | None = None
    lab: bool = False
    prefixes: Path | None = None


def find(paths: Iterable[str | Path], report: Report) -> list[Source]:
    """List the files that ``paths`` name, each once; raises :class:`NoDataset` for a path not there."""
    found: dict[Path, Source] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise NoDataset(f"{path} does not exist")
        for source in _in_folder(path, report) if path.is_dir() else [_of_file(path, report)]:
            found.setdefault(source.file.resolve(), source)
    return list(found.values())


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (RUN_FILE, _PLAN_FILE, *_LINES))


def _in_folder(folder: Path, report: Report) -> Iterator[Source]:
    if _is_run(folder):
        for name in _LINES:
            if (folder / name).is_file():
                yield _of_run(folder, folder / name, report)
                return
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _in_folder(path, report)
        elif path.name.endswith(_SUFFIXES):
            yield Source(path, path.name.partition(".jsonl")[0])


def _of_file(file: Path, report: Report) -> Source:
    if file.name in _LINES and (file.parent / RUN_FILE).is_file():
        return _of_run(file.parent, file, report)
    if not file.name.endswith((*_SUFFIXES, ".json")):
        raise NoDataset(f"{file} is no run folder, .jsonl, .jsonl.gz or .json file")
    return Source(file, file.name.partition(".json")[0])


def _of_run(folder: Path, file: Path, report: Report) -> Source:
    about: object = {}
    path = folder / RUN_FILE
    try:
        with path.open("rb") as stream:
            about = json.loads(stream.read(_MAX_RUN_FILE))
    except FileNotFoundError:
        report(path, 0, "is missing: the network's name is taken from the measurements")
    except (OSError, ValueError, RecursionError) as error:
        report(path, 0, f"cannot be read: {type(error).__name__}")
    run = about if isinstance(about, dict) else {}
    vantage = run.get("vantage")
    isp = vantage.get("isp") if isinstance(vantage, dict) else None
    prefixes = folder / PREFIXES
    return Source(
        file,
        folder.resolve().name,
        isp if isinstance(isp, str) and isp else None,
        bool(run.get("lab")),
        prefixes if prefixes.is_file() else None,
    )


def _open(file: Path) -> IO[bytes]:
    # gzip's class gives bytes by the line as well; it only lacks the base class.
    return cast("IO[bytes]", gzip.GzipFile(file)) if file.name.endswith(".gz") else file.open("rb")


def lines(file: Path, report: Report) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a file with their numbers, from 1; a ``.json`` file is one line.

    What cannot be read (a line too long, a file cut off within its compressed stream) is reported.
    """
    number = 0
    try:
        with _open(file) as stream:
            if file.name.endswith(".json"):
                whole = stream.read(MAX_LINE + 1)
                if len(whole) > MAX_LINE:
                    report(file, 1, f"more than {MAX_LINE} bytes")
                else:
                    yield 1, whole
                return
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    report(file, number, f"more than {MAX_LINE} bytes")
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(MAX_LINE)
                elif not line.isspace():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        report(file, number + 1, f"reading ends here: {type(error).__name__}: {error}")
