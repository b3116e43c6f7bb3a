"""Build a dataset, or add to one: sources over all cores, in order, each of them once."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewatch_analysis.dataset.commit import Committer, Found
from gatewatch_analysis.dataset.derive import Derived, Job, Read, derive
from gatewatch_analysis.dataset.manifest import Origin
from gatewatch_analysis.dataset.place import Place, place_of
from gatewatch_analysis.loading.sources import LINES, Source, find
from gatewatch_analysis.loading.spread import WorkerDied, cores, spread

# Bytes that are read together into one set of files: some thousand measurements, two seconds of work; and how
# much there is in a byte of a compressed file (gzip -6 packs records 12 to 1).
_MOST_TOGETHER = 16 * 2**20
_PACKED = 12
_MOST_SOURCES = 1_000
# Of the whole internet's prefixes, some thirty; the lab's have some hundred lines.
MOST_PREFIXES = 64 * 2**20


@dataclass(slots=True)
class Built:
    """What a build or a merge did.

    ``added`` are the names of the sources that are new, ``known`` of those whose content was there already,
    and ``failed`` of those that could not be read, with the reason.  ``measurements`` are new, ``copies``
    were left out; ``aside`` are lines that could not be read, ``passed`` results that measured nothing.
    """

    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    measurements: int = 0
    copies: int = 0
    aside: int = 0
    passed: int = 0


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
        jobs = _together(found)
        count = 1 if any(source.alone for source in found) else min(processes or cores(), len(jobs))
        for job, result in spread(derive, _jobs(jobs, folder, committer), count):
            _add(committer, job, result, done)
            shutil.rmtree(job.folder, ignore_errors=True)
            for source in job.sources:
                progress(source.name, len(found))
        committer.close()
    return done


def _together(sources: list[Source]) -> list[tuple[Source, ...]]:
    """Put small sources together, so that they share files; always the same ones, whatever is known."""
    groups: list[list[Source]] = []
    weight = 0
    for source in sources:
        own = source.size * (1 if source.name.endswith(LINES[0]) else _PACKED)
        if not groups or weight + own > _MOST_TOGETHER or len(groups[-1]) >= _MOST_SOURCES:
            groups.append([])
            weight = 0
        groups[-1].append(source)
        weight += own
    return [tuple(group) for group in groups]


def _jobs(groups: list[tuple[Source, ...]], folder: Path, committer: Committer) -> Iterator[Job]:
    for number, group in enumerate(groups):
        known = frozenset[str]().union(*(committer.hashes(source.size) for source in group))
        yield Job(group, folder / f"{number:08d}", known)


def _add(committer: Committer, job: Job, result: Derived | WorkerDied, done: Built) -> None:
    if isinstance(result, WorkerDied):
        done.failed |= {source.name: str(result) for source in job.sources}
        return
    origins = []
    for source, read in zip(job.sources, result.read, strict=True):
        if read.failed:
            done.failed[source.name] = read.failed
        elif read.known or committer.has(read.sha256):
            done.known.append(source.name)
        else:
            origins.append((_origin(source, read), _prefixes(source)))
    if not origins:
        return
    name = hashlib.sha256("".join(origin.sha256 for origin, _ in origins).encode()).hexdigest()
    new, copies = committer.add(Found(tuple(origins), result.pieces), name)
    done.added += [origin.name for origin, _ in origins]
    done.measurements += new
    done.copies += copies + sum(origin.copies for origin, _ in origins)
    done.aside += sum(origin.aside for origin, _ in origins)
    done.passed += sum(origin.passed for origin, _ in origins)


def _origin(source: Source, read: Read) -> Origin:
    return Origin(
        name=source.name,
        sha256=read.sha256,
        size=read.size,
        run=source.run,
        isp=source.isp,
        lab=source.lab,
        measurements=read.measurements,
        copies=read.copies,
        aside=read.aside,
        passed=read.passed,
        told=read.told,
    )


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
