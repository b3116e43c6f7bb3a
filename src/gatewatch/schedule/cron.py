"""crontab: lines of ours between two marks in the user's table; every other line stays as it is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from gatewatch.schedule.job import Job, one_line
from gatewatch.schedule.system import Call, Failed, call

BEGIN = "# >>> gatewatch: written by gatewatch schedule install, taken away by gatewatch schedule remove"
END = "# <<< gatewatch"
# Vixie's cron reads a thousand letters of a command (MAX_COMMAND) and drops the rest in silence.
_LONGEST = 990
# What crontab -l says for an empty table: Vixie's, cronie's and BusyBox' words.
_EMPTY = ("no crontab for", "no such file")


class Cron:
    """The table of the user, by crontab(1)."""

    name = "cron"

    def __init__(self, call: Call = call) -> None:
        self._call = call

    def available(self) -> bool:
        """Tell whether there is a crontab that can be read."""
        try:
            self._table()
        except Failed:
            return False
        return True

    def written(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """Give the lines that go into the table."""
        return {"crontab": "\n".join([BEGIN, *(line(job) for job in jobs), END]) + "\n"}

    def install(self, jobs: Sequence[Job]) -> list[str]:
        """Put the lines in place of earlier ones of ours."""
        others = without(self._table())
        ours = self.written(jobs)["crontab"]
        self._replace(f"{others}{ours}")
        return []

    def remove(self) -> list[str]:
        """Take our lines out."""
        table = self._table()
        ours = between(table)
        if ours:
            self._replace(without(table))
        return ours

    def found(self) -> list[str]:
        """Give our lines that are there."""
        try:
            return between(self._table())
        except Failed:
            return []

    def _table(self) -> str:
        answer = self._call(["crontab", "-l"], "")
        if not answer.code:
            return answer.out
        # Taking any other failure for an empty table would delete everybody's lines.
        if any(words in answer.err.lower() for words in _EMPTY):
            return ""
        raise Failed(f"crontab -l: {answer.err.strip()}")

    def _replace(self, table: str) -> None:
        answer = self._call(["crontab", "-"], table)
        if answer.code:
            raise Failed(f"crontab: {answer.err.strip() or answer.out.strip()}")


def line(job: Job) -> str:
    """Give a job's line; raises ValueError for one that cron would cut off.

    cron has no delays by chance and starts everything in the home folder: the command sees to both.
    """
    one_line([*job.argv, str(job.folder)])
    hours = ",".join(map(str, job.at_hours))
    day = str(job.weekday) if job.weekly else "*"
    # The percent sign is a line break to cron, in quotes too (crontab(5)).
    command = f"umask 077; cd {shlex.quote(str(job.folder))} && exec nice -n 10 {shlex.join(job.argv)}"
    command = command.replace("%", "\\%")
    if len(command) > _LONGEST:
        raise ValueError(f"cron reads {_LONGEST} letters of a command, and this one has {len(command)}")
    return f"{job.minute} {hours} * * {day} {command}"


def without(table: str) -> str:
    """Give a table without our lines; raises Failed where our marks are no pair."""
    before, ours, after = _parted(table)
    return "".join([*before, *after]) if ours else _ended(table)


def between(table: str) -> list[str]:
    """Give our lines in a table, without the marks."""
    return [text.rstrip("\n") for text in _parted(table)[1][1:-1]]


def _parted(table: str) -> tuple[list[str], list[str], list[str]]:
    lines = _ended(table).splitlines(keepends=True)
    marks = [number for number, text in enumerate(lines) if text.rstrip("\n") in (BEGIN, END)]
    if not marks:
        return lines, [], []
    begun = [lines[number].rstrip("\n") for number in marks]
    if begun != [BEGIN, END]:
        raise Failed("the marks around gatewatch's lines in your crontab are no pair: see crontab -e")
    first, last = marks
    return lines[:first], lines[first : last + 1], lines[last + 1 :]


def _ended(table: str) -> str:
    # cron ignores a last line without its end.
    return table if not table or table.endswith("\n") else f"{table}\n"
