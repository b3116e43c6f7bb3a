"""Which runs there are: read from their small files, so that a hundred runs are listed at once."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatewatch.store.files import read_json
from gatewatch.store.folder import PLAN, RUN, STAMP
from gatewatch.store.lines import PACKED, PLAIN, label, read
from gatewatch.store.locking import held

#: By how much a clock may be ahead and no run be taken for one of the future.
AHEAD = timedelta(days=1)
# States of a run that has not been closed.
_OPEN = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a list of runs shows.  A run that says it goes on while nobody holds the lock was killed."""

    id: str
    path: Path
    started: str | None
    ended: str | None
    state: str
    vantage: Mapping[str, Any]
    lab: Mapping[str, Any] | None
    probes: tuple[str, ...]
    planned: int
    measured: int
    verdicts: Mapping[str, int]


def default_root() -> Path:
    """Give where runs lie unless told otherwise (XDG base directories; the local profile on Windows)."""
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        # The specification says to ignore a relative path.
        given = os.environ.get("XDG_DATA_HOME", "")
        data = given if given.startswith("/") else str(Path.home() / ".local" / "share")
    return Path(data) / "gatewatch" / "runs"


def list_runs(root: Path, *, brief: bool = False) -> list[RunInfo]:
    """Give the runs under ``root``, newest first; what is no run is passed over.

    ``brief``: only the smallest files are read, as befits who asks each hour.  Nothing is told of plans then,
    nor of what a run measured that was killed.
    """
    try:
        folders = sorted((p for p in root.iterdir() if p.is_dir()), key=lambda p: p.name, reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    going_on = held(root)
    runs = [info for folder in folders if (info := look(folder, going_on, brief=brief))]
    open_runs = [info for info in runs if info.state in _OPEN]
    # Only one can hold the lock, and that is the one being written.
    live = max(open_runs, key=lambda info: _written_at(info.path), default=None)
    return [
        replace(info, state="killed") if info in open_runs and info is not live else info for info in runs
    ]


def is_of_the_future(run: RunInfo, now: datetime) -> bool:
    """Tell whether a run's name says that it began :data:`AHEAD` later than now: some clock was wrong.

    A folder that is not named after a time is none.
    """
    try:
        named = datetime.strptime(run.id.partition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return named - now > AHEAD


def look(folder: Path, going_on: bool, *, brief: bool = False) -> RunInfo | None:
    """Describe one run; None when it has no plan.  ``going_on``: whether some run holds the lock."""
    try:
        plan = {} if brief and (folder / PLAN).is_file() else read_json(folder / PLAN)
    except (OSError, ValueError):
        return None
    try:
        about = read_json(folder / RUN)
    except (OSError, ValueError):
        about = {}
    state = about.get("state")
    state = state if isinstance(state, str) else None
    ended = state is not None and state not in _OPEN
    given = about.get("verdicts")
    told = isinstance(given, dict) and all(type(count) is int for count in given.values())
    counts = Counter(given) if ended and told else Counter() if brief else _counted(folder)
    probes, items = (x if isinstance(x := plan.get(key), list) else [] for key in ("probes", "items"))
    if not ended and not going_on:
        state = "killed"
    vantage, lab = about.get("vantage"), about.get("lab")
    return RunInfo(
        id=folder.name,
        path=folder,
        started=about.get("started") or plan.get("created"),
        ended=about.get("ended"),
        state=str(state or "running"),
        vantage=vantage if isinstance(vantage, dict) else {},
        lab=lab if isinstance(lab, dict) else None,
        probes=tuple(map(str, probes)),
        planned=len(items),
        measured=sum(counts.values()),
        verdicts=counts,
    )


def _written_at(folder: Path) -> float:
    try:
        return (folder / PLAIN).stat().st_mtime
    except OSError:
        return 0.0


def _counted(folder: Path) -> Counter[str]:
    """Count the lines by label: for a run that did not live to write its counts."""
    if not (folder / PLAIN).exists() and not (folder / PACKED).exists():
        return Counter()
    return Counter(map(label, read(folder)))
