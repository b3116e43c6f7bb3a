"""Windows' Task Scheduler: one XML file a job, which schtasks takes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from gatewatch.schedule.job import Job, one_line
from gatewatch.store import default_root
from gatewatch.store.files import replacing

_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class TaskScheduler:
    """XML files in ``folder``, beside the runs; a person gives them to schtasks."""

    name = "task-scheduler"

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_root().parent / "schedule"

    def written(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """Give the tasks by their paths."""
        return {str(self.folder / f"{job.name}.xml"): task(job) for job in jobs}

    def install(self, jobs: Sequence[Job]) -> list[str]:
        """Write the files; loading them is left to a person."""
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.written(jobs)
        for place in set(self.found()) - set(written):
            Path(place).unlink()
        for place, text in written.items():
            with replacing(Path(place)) as file:
                # schtasks wants the encoding that the first line names, with its mark.
                file.write(text.encode("utf-16"))
        commands = "\n".join(
            f'    schtasks /Create /TN {job.name} /XML "{place}"'
            for job, place in zip(jobs, written, strict=True)
        )
        return [f"Give it to the Task Scheduler by\n{commands}"]

    def remove(self) -> list[str]:
        """Delete the files; the tasks themselves are left to a person."""
        places = self.found()
        for place in places:
            Path(place).unlink()
        return places

    def found(self) -> list[str]:
        """Give the files that are there."""
        return sorted(map(str, self.folder.glob("gatewatch*.xml")))


def task(job: Job) -> str:
    """Give a job's task (Task Scheduler schema 1.2): a start that was missed is made up for."""
    one_line([*job.argv, str(job.folder)])
    ET.register_namespace("", _SPACE)
    root = ET.Element(f"{{{_SPACE}}}Task", version="1.2")
    _add(root, "RegistrationInfo", ("Description", job.title), ("URI", f"\\{job.name}"))
    trigger = _add(_add(root, "Triggers"), "CalendarTrigger")
    if len(job.at_hours) > 1:
        # From the first start of a day, again and again for a day.
        _add(trigger, "Repetition", ("Interval", f"PT{job.hours}H"), ("Duration", "P1D"))
    # Any day in the past will do: only the time of day counts, on the machine's own clock.
    _text(trigger, "StartBoundary", datetime(2024, 1, 1, job.at_hours[0], job.minute).isoformat())  # noqa: DTZ001
    _text(trigger, "Enabled", "true")
    _text(trigger, "RandomDelay", f"PT{job.spread}S")
    if job.weekly:
        week = _add(trigger, "ScheduleByWeek")
        _add(_add(week, "DaysOfWeek"), _DAYS[job.weekday])
        _text(week, "WeeksInterval", "1")
    else:
        _add(trigger, "ScheduleByDay", ("DaysInterval", "1"))
    principal = _add(
        _add(root, "Principals"),
        "Principal",
        ("LogonType", "InteractiveToken"),
        ("RunLevel", "LeastPrivilege"),
    )
    principal.set("id", "Author")
    _add(
        root,
        "Settings",
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("RunOnlyIfNetworkAvailable", "true"),
        ("ExecutionTimeLimit", "PT12H"),
        ("Priority", "7"),
    )
    actions = _add(root, "Actions")
    actions.set("Context", "Author")
    program, *arguments = job.argv
    _add(
        actions,
        "Exec",
        ("Command", program),
        ("Arguments", subprocess.list2cmdline(arguments)),
        ("WorkingDirectory", str(job.folder)),
    )
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{body}\n'


def _add(parent: ET.Element, name: str, *texts: tuple[str, str]) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_SPACE}}}{name}")
    for child, text in texts:
        _text(element, child, text)
    return element


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_SPACE}}}{name}").text = text
