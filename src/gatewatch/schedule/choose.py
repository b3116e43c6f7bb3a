"""Which system this machine has for jobs that repeat, and what of ours is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from gatewatch.schedule.cron import Cron
from gatewatch.schedule.launchd import Launchd
from gatewatch.schedule.system import Failed, System
from gatewatch.schedule.systemd import Systemd
from gatewatch.schedule.windows import TaskScheduler

NAMES = ("systemd", "cron", "launchd", "task-scheduler")


def named(name: str) -> System:
    """Give a system by its name."""
    systems: dict[str, System] = {s.name: s for s in (Systemd(), Cron(), Launchd(), TaskScheduler())}
    return systems[name]


def best() -> System:
    """Give the system to use here; raises Failed where there is none."""
    if sys.platform == "darwin":
        return Launchd()
    if sys.platform == "win32":
        return TaskScheduler()
    if (systemd := Systemd()).available():
        return systemd
    if (cron := Cron()).available():
        return cron
    raise Failed(
        "neither systemd's manager for users nor crontab answers here; "
        "--print shows what to write, for --system systemd or cron"
    )


def everything() -> Iterator[tuple[System, list[str]]]:
    """Give the systems that hold something of ours, with what it is."""
    for name in NAMES:
        system = named(name)
        if found := system.found():
            yield system, found
