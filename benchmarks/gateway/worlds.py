"""Drawn countries, measured: by as many processes as there are cores, and each kept for the next weighing."""

from __future__ import annotations

import ast
import gzip
import hashlib
import os
import pickle
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from benchmarks.gateway import boxes, country, measure, policy
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_analysis.loading import Dataset

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """Which country: its class, its seed, and how many ISPs were measured (None: 5 to 12)."""

    kind: str
    seed: int
    isps: int | None = None


@cache
def _folder() -> Path:
    """Where measured countries are kept: apart for every way in which they are drawn and measured."""
    sources = [Path(str(module.__file__)).read_bytes() for module in (boxes, country, measure, policy)]
    # What the code does, and not how it is laid out.
    meaning = "".join(ast.dump(ast.parse(source)) for source in sources)
    name = f"gatewatch-worlds-{os.getuid()}-{hashlib.sha256(meaning.encode()).hexdigest()[:12]}"
    folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o022:
        # Whoever writes there has a pickle of his run here.
        raise PermissionError(f"{folder} is somebody else's")
    return folder


def dataset(world: World) -> tuple[Dataset, PrefixTable]:
    """Give a country's tables and its prefixes, measured now or before."""
    file = _folder() / f"{world.kind.replace(' ', '-')}-{world.seed}-{world.isps or 'many'}.pickle.gz"
    if file.is_file():
        with gzip.open(file, "rb") as stream:
            found: tuple[Dataset, str] = pickle.load(stream)
    else:
        found = measure.measured(policy.draw(world.kind, world.seed, world.isps), world.seed)
        _keep(found, file)
    return found[0], PrefixTable(parse_prefixes(found[1].splitlines(), lambda *_: None))


def _keep(found: tuple[Dataset, str], file: Path) -> None:
    part = file.with_suffix(f".{os.getpid()}")
    with gzip.open(part, "wb", compresslevel=3) as stream:
        pickle.dump(found, stream)
    part.replace(file)


def each(worlds: Iterable[World], work: Callable[[World], T]) -> Iterator[T]:
    """Do some work on many countries, on all cores; answers come in the order asked for."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(work, worlds, chunksize=1)
