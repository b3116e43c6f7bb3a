"""How the last unattended run went, in one small file that a monitor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

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
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in found.items() if key in known})

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
        grace = max(_LEAST_GRACE, timedelta(hours=last.every_hours * _GRACE))
        if now > due + grace:
            found.append(f"the next run was due {last.next_due}")
    for upload in last.uploads:
        if upload.get("refused"):
            found.append(f"{upload['name']} refused {upload['refused']} measurements")
    return found


def moment(text: str | None) -> datetime | None:
    """Read a time of the status file."""
    try:
        return datetime.strptime(text, TIME).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
