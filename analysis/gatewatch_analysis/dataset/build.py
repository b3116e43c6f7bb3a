"""Build a dataset, or add to one: sources over all cores, in order, each of them once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewatch_analysis.dataset.commit import Committer, Found
from gatewatch_analysis.dataset.derive import Derived, Job, derive
from gatewatch_analysis.dataset.manifest import Origin
from gatewatch_analysis.dataset.place import Place, place_of
from gatewatch_analysis.loading.sources import Source, find
from gatewatch_analysis.loading.spread import WorkerDied, cores, spread

# Of the whole internet's prefixes, some thirty; the lab's have some hundred lines.
MOST_PREFIXES = 64 * 2**20


@dataclass(slots=True)
class Built:
    """What a build or a merge did.

    ``added`` are the sources that are new, ``known`` the names of those whose content was there already, and
    ``failed`` those that could not be read, with the reason.
    """

    added: list[Origin] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def count(self, what: str) -> int:
        """Sum a number over what was added: measurements, copies, aside, passed or told."""
        return sum(getattr(origin, what) for origin in self.added)


#: Called with the name of each source that is done with, and how many there are.
Progress = Callable[[str, int], object]


def build(
    path: str | Path,
    sources: Iterable[str | Path],
    *,
    processes: int | None = None,
    storage: Mapping[str, Any] | None = None,
    progress: Progress = lambda name, of: None,
    report: Callable[[str, int, str], None] = lambda file, line, reason: None,
) -> Built:
    """Derive a dataset from sources (as :func:`gatewatch_analysis.load` takes them), or add them to it.

    A source whose content is there is left alone, and so is every copy of a measurement that is there.
    Killed at any moment, it leaves the dataset whole; started again, it goes on.  ``report`` is told of files
    that are passed over.  Raises :class:`~gatewatch.store.Locked` while another one builds here, NoDataset
    for sources that are not there, and DamagedDataset where files are missing that the manifest lists.
    """
    place = place_of(path, storage)
    done = Built()
    found = [source for source in find(sources, report, storage) if not _within(source, place)]
    with place.workshop() as folder:
        committer = Committer(place, folder)
        count = 1 if any(source.alone for source in found) else min(processes or cores(), len(found))
        for job, result in spread(_derive, _jobs(found, folder, committer), count):
            _add(committer, job, result, done)
            shutil.rmtree(job.folder, ignore_errors=True)
            progress(job.source.name, len(found))
        committer.close()
    return done


def _jobs(sources: list[Source], folder: Path, committer: Committer) -> Iterator[Job]:
    for number, source in enumerate(sources):
        yield Job(source, folder / f"{number:08d}", committer.hashes(source.size))


def _derive(job: Job) -> Derived | str:
    try:
        return derive(job)
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def _add(committer: Committer, job: Job, result: Derived | str | WorkerDied, done: Built) -> None:
    source = job.source
    if not isinstance(result, Derived):
        done.failed[source.name] = str(result)
    elif result.pieces is None or committer.has(result.sha256):
        done.known.append(source.name)
    else:
        origin = Origin(
            name=source.name,
            sha256=result.sha256,
            size=result.size,
            run=source.run,
            isp=source.isp,
            lab=source.lab,
            measurements=result.measurements,
            copies=result.copies,
            aside=result.aside,
            passed=result.passed,
            told=result.told,
        )
        done.added.append(committer.add(Found(origin, result.pieces, _prefixes(source))))


def _prefixes(source: Source) -> bytes | None:
    """Read the table of prefixes that a run in the lab brings along."""
    if source.prefixes is None:
        return None
    with source.prefixes.open("rb") as stream:
        data = stream.read(MOST_PREFIXES + 1)
    return data if len(data) <= MOST_PREFIXES else None


def _within(source: Source, place: Place) -> bool:
    """Tell whether a source lies in the dataset itself, which may be in the folder that is read."""
    if place.store.system is not None or "://" in source.name:
        return source.name.startswith(f"{place.name.rstrip('/')}/")
    return Path(source.name).resolve().is_relative_to(Path(place.store.root).resolve())
