"""How the last unattended run went, in one small file that a monitor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints

from gatewatch.store.files import make_folder, read_json, write_json
from gatewatch.unattended.log import TIME

#: The status file under the results' root.
STATUS = "status.json"
_VERSION = 1
# States in which a run is under way.
_UNDER_WAY = frozenset({"measuring", "delivering"})
# A run is overdue when it has not begun half an interval after it was due, and two hours at least: starts are
# put off by chance, and machines wake up late.
_GRACE = 0.5
_LEAST_GRACE = timedelta(hours=2)
# Hours of a year: nothing is scheduled more rarely.
_LONGEST = 24 * 366
# A clock that is wrong by so many seconds is said to be: certificates and days are judged by it.
_WRONG = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The file's content; docs/cron.md explains it.  Times are UTC (RFC 3339)."""

    version: int = _VERSION
    software_version: str = ""
    #: measuring, delivering, or ended
    state: str = "measuring"
    started: str | None = None
    ended: str | None = None
    exit_code: int | None = None
    #: how the run ended: done, partial, interrupted, full, no_network, failed
    outcome: str | None = None
    #: the same in a sentence
    reason: str | None = None
    #: the run's folder under the root
    run: str | None = None
    planned: int = 0
    measured: int = 0
    skipped: int = 0
    #: how often measuring waited for the line
    pauses: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    every_hours: int | None = None
    next_due: str | None = None
    #: when a run last began that was done
    last_success: str | None = None
    #: runs since then that were not
    failures: int = 0
    #: runs deleted because of their age or size, by the last run
    deleted: int = 0
    #: runs that should have been, but are not uploaded yet
    held_back: int = 0
    #: by how many seconds this machine's clock was ahead of web servers' in the last run
    clock_offset_s: float | None = None
    #: measurements that wait to be uploaded, and the bytes of their runs
    spool_measurements: int = 0
    spool_bytes: int = 0
    #: start of the oldest run that waits
    spool_oldest: str | None = None
    #: one entry for each destination
    uploads: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, root: Path) -> Self | None:
        """Read the file under a root; None where there is none that can be read."""
        try:
            found = read_json(root / STATUS)
        except (OSError, ValueError):
            return None
        if found.get("version") != _VERSION:
            return None
        kinds = get_type_hints(cls)
        known = {f.name: found[f.name] for f in fields(cls) if f.name in found}
        if not all(_fits(value, kinds[name]) for name, value in known.items()):
            return None
        return cls(**known)

    def write(self, root: Path) -> None:
        """Replace the file; raises StoreFull and OSError."""
        make_folder(root)
        write_json(root / STATUS, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Give what the file holds."""
        return asdict(self)

    def told(self) -> Iterator[str]:
        """Say it for people, a line at a time."""
        yield f"last run: {self.run or 'none was made'}, begun {self.started or 'never'}"
        if self.state in _UNDER_WAY:
            yield f"now: {self.state}, {self.measured} of {self.planned} measured"
        else:
            yield f"ended {self.ended}: {self.outcome} (exit code {self.exit_code}). {self.reason or ''}"
            yield f"{self.measured} of {self.planned} measured, {self.skipped} skipped"
        for label, count in self.verdicts.items():
            yield f"{count:>6}  {label}"
        if self.next_due:
            yield f"next: {self.next_due}"
        if self.uploads:
            since = f", the oldest since {self.spool_oldest}" if self.spool_oldest else ""
            yield f"waiting to be uploaded: {self.spool_measurements}{since}"


def faults(last: Status | None, now: datetime, *, going_on: bool) -> list[str]:
    """Say what is wrong; nothing where all is well.  ``going_on``: some run holds the root's lock."""
    if last is None:
        return ["no run was made yet"]
    found = []
    if last.state == "measuring" and not going_on:
        found.append(f"the run of {last.started} was killed")
    if last.state not in _UNDER_WAY and last.exit_code:
        found.append(f"the last run ended with exit code {last.exit_code}: {last.reason}")
    due = moment(last.next_due)
    if due is not None and last.every_hours and not going_on:
        every = timedelta(hours=max(0, min(last.every_hours, _LONGEST)))
        grace = max(_LEAST_GRACE, every * _GRACE)
        if now - due > grace:
            found.append(f"the next run was due {last.next_due}")
        if due - now > every + grace:
            # Nothing would ever be overdue.
            found.append(f"the clock of this machine was set back: the last run began at {last.started}")
    if last.clock_offset_s is not None and abs(last.clock_offset_s) > _WRONG:
        hours = f"{abs(last.clock_offset_s) / 3600:,.0f}"
        way = "ahead" if last.clock_offset_s > 0 else "behind"
        found.append(f"the clock of this machine is {hours} hours {way}: no run is deleted for its age")
    for upload in last.uploads:
        if upload.get("refused"):
            found.append(f"{upload.get('name')} refused {upload['refused']} measurements")
    return found


def _fits(value: Any, kind: Any) -> bool:
    """Tell whether a value of the file is of a field's type."""
    origin = get_origin(kind)
    if origin is UnionType:
        return any(_fits(value, one) for one in get_args(kind))
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(v, get_args(kind)[1]) for v in value.values())
    if origin is Sequence:
        return isinstance(value, list) and all(_fits(v, get_args(kind)[0]) for v in value)
    if kind is float:
        return type(value) in (int, float)
    return kind is Any or (value is None if kind is NoneType else type(value) is kind)


def moment(text: str | None) -> datetime | None:
    """Read a time of the status file."""
    try:
        return datetime.strptime(text, TIME).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
