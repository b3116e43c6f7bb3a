"""What waits: the lines of closed runs that a destination wants and has not confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewatch.store import RunInfo, list_runs, read
from gatewatch.store.files import read_json
from gatewatch.store.folder import RUN
from gatewatch.store.lines import measured
from gatewatch.store.uid import uid
from gatewatch.upload.config import Destination
from gatewatch.upload.ledger import Ledger, measurements_file

# States of a run that somebody is writing.
_LIVE = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for a destination; ``oldest`` is the start of the oldest run with something left."""

    measurements: int = 0
    bytes: int = 0
    runs: int = 0
    refused: int = 0
    doubtful: int = 0
    oldest: str | None = None


def concerned(root: Path, destination: Destination) -> list[RunInfo]:
    """Give the runs whose measurements go to a destination, the oldest first.

    Not one that goes on, nor one that died before its file of measurements was made.
    """
    return [
        info
        for info in reversed(list_runs(root, brief=True))
        if info.state not in _LIVE and (destination.lab or not info.lab) and measurements_file(info.path)
    ]


def pending(
    run: Path, destination: Destination, ledger: Ledger
) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Give uid, line and record of each measurement that is left to be sent."""
    for line in read(run):
        name = uid(line)
        if ledger.settled(name):
            continue
        record = measured(line)
        if record is not None and destination.wants(str(record.get("test_name"))):
            yield name, line, record


def mark(run: Path, destination: Destination) -> list[Any]:
    """Give what tells the state of a run, and what is wanted of it, from any other; empty without a file."""
    file = measurements_file(run)
    return [*file, *sorted(destination.tests)] if file else []


def done(run: Path, destination: Destination) -> bool:
    """Tell whether nothing that is wanted of a run is left to be sent, without reading it."""
    now = mark(run, destination)
    return not now or Ledger.last(run, destination.key)[0] == now


def may_go(run: Path, destinations: Iterable[Destination]) -> bool:
    """Tell whether a run may be deleted: no destination is still to get anything of it.

    What was refused for good holds no run back: nobody would ever take it, and disks are not endless.
    """
    try:
        lab = bool(read_json(run / RUN).get("lab"))
    except (OSError, ValueError):
        # Whether it may be sent is not known, so it is kept.
        lab = False
    return all(done(run, destination) for destination in destinations if destination.lab or not lab)


def waiting(root: Path, destination: Destination) -> Waiting:
    """Count what waits; measurements of tests that are not wanted count until their run was gone through."""
    measurements = size = runs = refused = doubtful = 0
    oldest = None
    for info in concerned(root, destination):
        if done(info.path, destination):
            refused += Ledger.last(info.path, destination.key)[1]
            continue
        ledger = Ledger.open(info.path, destination.key)
        refused += len(ledger.refused)
        doubtful += len(ledger.doubtful)
        try:
            # One that was killed has not counted.
            measured_count = info.measured or sum(1 for _ in read(info.path))
        except OSError:
            continue
        left = measured_count - len(ledger.stored) - len(ledger.refused)
        if left <= 0:
            continue
        measurements += left
        file = measurements_file(info.path)
        size += file[1] if file else 0
        runs += 1
        oldest = oldest or info.started
    return Waiting(measurements, size, runs, refused, doubtful, oldest)
