"""loading: OONI's JSON lines to measurements with verdicts, beside oonidata, which only parses them.

The lines are made up (:mod:`benchmarks.ooni_mix` says what happens in them, :mod:`benchmarks.ooni_records`
what they look like).  The peer is oonidata 0.3.0 of PyPI in an environment of its own, made on the first run
and kept in the user's cache folder: ``WebConnectivity.from_dict(orjson.loads(line))``, and nothing is done
with the result.  Ours is :func:`gatewatch_analysis.load`: from the file to the finished DataFrame, verdicts
included.  Both are measured in CPU seconds of one process, imports left out, taking turns on the same file.

Memory is the resident memory of all processes together, at its peak.  It has two parts, which are also
watched apart: the process that gathers the rows, which must grow by as much for each further row, and those
that read, which must not grow.  (The peak of the sum is while they read where there are few rows, and at the
end, when they are gone, where there are many; so its own curve has a bend.)  The slow way reads a part of the
same lines, and every row of both is compared.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.beside import beside
from benchmarks.peers import PeerMissing

#: How many times fewer CPU seconds; bytes; by how much a further row's memory may grow with the rows, and
#: that of the processes that read.
GOAL_RATIO, GOAL_MEMORY, GOAL_BEND, GOAL_READERS = 10.0, 600e6, 1.25, 1.1
# Two processes on two cores, with a third one that collects.
GOAL_SPEED_UP = 1.6
_PEER = "oonidata==0.3.0"
_TURNS = 3


def run(quick: bool) -> dict[str, Any]:
    """Measure; gives goals, the peer, and detail."""
    sizes = (10_000, 20_000, 40_000) if quick else (250_000, 500_000, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as name:
        folder = Path(name)
        files = _files(folder, sizes)
        peer = _peer()
        turns = [(_one("load", files[0], "1"), _parsed(peer, files[0])) for _ in range(_TURNS)]
        ratios = sorted(theirs["cpu"] / ours["cpu"] for ours, theirs in turns)
        ours = min((ours for ours, _ in turns), key=lambda seen: float(seen["cpu"]))
        theirs = min((theirs for _, theirs in turns), key=lambda seen: float(seen["cpu"]))
        size = files[0].stat().st_size
        both = _one("load", files[-1], "2")
        alone = _one("load", files[-1], "1")
        memory = [_peak(file) for file in files]
        checked = _one("compare", files[0], "2000" if quick else "20000")
        packed = _packed(files[0])
        zipped = _one("load", packed, "1")
    ratio = statistics.median(ratios)
    speed_up = alone["wall"] / both["wall"]
    return {
        "goals": [
            *(() if quick else _of_size(memory, sizes, speed_up)),
            _goal("CPU time of oonidata's parsing, over ours with verdicts", ratio, GOAL_RATIO, "{:.1f}")
            | {
                "beside": beside(
                    "oonidata 0.3.0, which only parses, lines/s a core",
                    ours["rows"] / ours["cpu"],
                    theirs["rows"] / theirs["cpu"],
                    rounds=[(b["cpu"], a["cpu"]) for a, b in turns],
                )
            },
            {
                "name": f"rows that differ from the slow way's, of {checked['rows']:,}",
                "value": checked["differ"],
                "goal": "= 0",
                "met": checked["differ"] == 0,
            },
        ],
        "peer": {
            "ratios": ", ".join(f"{value:.2f}" for value in ratios),
            "oonidata 0.3.0": _rate(theirs, size),
            "ours": _rate(ours, size),
        },
        "detail": {
            "lines": f"{ours['rows']:,} of {size / ours['rows'] / 1000:.2f} KB",
            "verdicts": checked["verdicts"],
            "shares": checked["ways"],
            "memory": [
                f"{count:,}: {peak.all / 1e6:.0f} MB; gathering {peak.gathering / 1e6:.0f}, "
                f"reading {peak.reading / 1e6:.0f}"
                for count, peak in zip(sizes, memory, strict=True)
            ],
            "gzip": _rate(zipped, size),
            "processes": f"one {alone['rows'] / alone['wall']:,.0f} rows/s, "
            f"two {both['rows'] / both['wall']:,.0f}, {speed_up:.2f} times",
        },
    }


class _Peak(NamedTuple):
    """The most bytes resident: of all processes at one time, of the one that gathers, of those that read."""

    all: int = 0
    gathering: int = 0
    reading: int = 0


def _of_size(memory: list[_Peak], sizes: tuple[int, ...], speed_up: float) -> list[dict[str, Any]]:
    """Goals that a small file says nothing about."""
    bend = _bend(sizes, [peak.gathering for peak in memory])
    more = memory[-1].reading / max(memory[0].reading, 1)
    return [
        _goal(f"peak memory of {sizes[-1]:,} measurements", memory[-1].all, GOAL_MEMORY, "{:.3g}", most=True),
        _goal("memory of a further row, many rows over few", bend, GOAL_BEND, "{:.2f}", most=True),
        _goal("memory of those that read, many rows over few", more, GOAL_READERS, "{:.2f}", most=True),
        _goal("two processes over one", speed_up, GOAL_SPEED_UP, "{:.2f}"),
    ]


def _goal(name: str, value: float, goal: float, form: str, *, most: bool = False) -> dict[str, Any]:
    met = value <= goal if most else value >= goal
    return {
        "name": name,
        "value": form.format(value),
        "goal": ("at most " if most else "at least ") + form.format(goal),
        "met": met,
    }


def _rate(seen: dict[str, Any], size: int) -> str:
    cpu = seen["cpu"]
    return f"{seen['rows'] / cpu:,.0f} lines/s and {size / cpu / 1e6:.0f} MB/s a core"


def _bend(sizes: tuple[int, ...], memory: list[int]) -> float:
    """How much more a further row takes up at the end than at the beginning."""
    slopes = [(memory[i + 1] - memory[i]) / (sizes[i + 1] - sizes[i]) for i in (0, 1)]
    return slopes[1] / max(slopes[0], 1.0)


def _files(folder: Path, sizes: tuple[int, ...]) -> list[Path]:
    """Write files of so many lines, each beginning with the one before; two processes make them."""
    parts = [folder / f"part-{number}.jsonl" for number in range(2)]
    made = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.loading_one", "make", str(part), str(sizes[-1] // 2), str(n)]
        )
        for n, part in enumerate(parts)
    ]
    if any(process.wait() for process in made):
        raise RuntimeError("the lines could not be made")
    files = [folder / f"kh-{size}.jsonl" for size in sizes]
    with files[-1].open("wb") as whole:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, whole, 2**20)
            part.unlink()
    for size, file in zip(sizes[:-1], files[:-1], strict=True):
        with files[-1].open("rb") as stream, file.open("wb") as head:
            for _, line in zip(range(size), stream, strict=False):
                head.write(line)
    return files


def _packed(file: Path) -> Path:
    packed = file.with_name("packed.jsonl.gz")
    with file.open("rb") as stream, gzip.open(packed, "wb", compresslevel=6) as out:
        shutil.copyfileobj(stream, out, 2**20)
    return packed


def _one(*arguments: object) -> dict[str, Any]:
    return _said([sys.executable, "-m", "benchmarks.loading_one", *map(str, arguments)])


def _parsed(python: Path, file: Path) -> dict[str, Any]:
    return _said([str(python), str(Path(__file__).with_name("loading_peer.py")), str(file)])


def _said(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _peak(file: Path) -> _Peak:
    """Watch a load's processes."""
    command = [sys.executable, "-m", "benchmarks.loading_one", "load", str(file), "2"]
    most = _Peak()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            own, *others = (_resident(pid) for pid in _family(process.pid))
            seen = (own + sum(others), own, sum(others))
            most = _Peak(*map(max, zip(most, seen, strict=True)))
            time.sleep(0.02)
        if process.returncode:
            raise RuntimeError(f"loading {file} ended with {process.returncode}")
    return most


def _family(pid: int) -> Iterator[int]:
    yield pid
    with_children = Path(f"/proc/{pid}/task")
    try:
        tasks = list(with_children.iterdir())
        for task in tasks:
            for child in (task / "children").read_text().split():
                yield from _family(int(child))
    except OSError:
        return  # it has just ended


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peer() -> Path:
    """Give the interpreter of an environment with oonidata, making it where it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "gatewatch-benchmarks" / _PEER.replace("==", "-")
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", _PEER],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PeerMissing(f"{_PEER} cannot be installed: {done.stderr.strip()[-500:]}")
        (place / "complete").touch()
    return python
