"""launchd on macOS: one property list a job, in the user's LaunchAgents."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from gatewatch.schedule.job import Job, one_line
from gatewatch.store.files import replacing

_PREFIX = "org.gatewatch."
_UMASK = 0o077


class Launchd:
    """Property lists in ``folder``; launchd reads them at the next login, or when it is told to."""

    name = "launchd"

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path.home() / "Library" / "LaunchAgents"

    def written(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """Give the lists by their paths."""
        return {str(self.folder / f"{_PREFIX}{job.name}.plist"): agent(job) for job in jobs}

    def install(self, jobs: Sequence[Job]) -> list[str]:
        """Write the lists; loading them is left to a person."""
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.written(jobs)
        for place in set(self.found()) - set(written):
            Path(place).unlink()
        for place, text in written.items():
            with replacing(Path(place)) as file:
                file.write(text.encode())
        commands = "\n".join(f"    launchctl bootstrap gui/$(id -u) {place}" for place in written)
        return [f"It starts with your next login, or now by\n{commands}"]

    def remove(self) -> list[str]:
        """Delete the lists."""
        places = self.found()
        for place in places:
            Path(place).unlink()
        return places

    def found(self) -> list[str]:
        """Give the lists that are there."""
        return sorted(map(str, self.folder.glob(f"{_PREFIX}*.plist")))


def agent(job: Job) -> str:
    """Give a job's list (launchd.plist(5)); a start that was slept through is made up for on waking."""
    one_line([*job.argv, str(job.folder)])
    times = [{"Hour": hour, "Minute": job.minute} for hour in job.at_hours]
    if job.weekly:
        times = [{**time, "Weekday": job.weekday} for time in times]
    about = {
        "Label": f"{_PREFIX}{job.name}",
        "ProgramArguments": list(job.argv),
        "WorkingDirectory": str(job.folder),
        "StartCalendarInterval": times,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
        "Umask": _UMASK,
        "RunAtLoad": False,
    }
    return plistlib.dumps(about, sort_keys=False).decode()
