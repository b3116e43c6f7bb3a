"""What is repeated: a command line, how often, and at which minutes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

#: How often a job may run.  Parts of a day, so that every system can say them as times of day: only then can
#: a start that was slept through be made up for (systemd.timer(5): Persistent= needs OnCalendar=).
EVERY = {"1h": 1, "2h": 2, "3h": 3, "4h": 4, "6h": 6, "8h": 8, "12h": 12, "24h": 24, "7d": 168}
_DAY = 24
# Starts are spread over this share of the interval, and an hour at most: many machines with one schedule must
# not ask the same servers in the same second, and who watches should not see a clockwork.
_SPREAD = 0.25
_MOST_SPREAD = 3600
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Job:
    """A command line to be repeated.

    ``name`` is that of its units and tasks; ``argv`` begins with an absolute path; ``folder`` is where it
    runs and ``writable`` what it may write to; ``every`` is a key of :data:`EVERY`.  ``hour``, ``minute``
    and, where it is weekly, ``weekday`` (0 is Sunday, as in crontab(5)) are local time.
    """

    name: str
    title: str
    argv: tuple[str, ...]
    folder: Path
    writable: tuple[Path, ...]
    every: str
    hour: int
    minute: int
    weekday: int = 0

    @property
    def hours(self) -> int:
        """Hours between two starts."""
        return EVERY[self.every]

    @property
    def spread(self) -> int:
        """The most seconds by which a start is put off, by chance."""
        return min(_MOST_SPREAD, int(self.hours * 3600 * _SPREAD))

    @property
    def weekly(self) -> bool:
        """Whether it runs on one day of the week."""
        return self.hours > _DAY

    @property
    def at_hours(self) -> tuple[int, ...]:
        """The hours of a day at which it starts."""
        return tuple(range(self.hour % min(self.hours, _DAY), _DAY, min(self.hours, _DAY)))

    def starts(self, after: datetime) -> Iterator[datetime]:
        """Give the starts after a moment, not yet put off by chance."""
        day = after.replace(hour=0, minute=0, second=0, microsecond=0)
        while True:
            # Python's Monday is 0, crontab's is 1.
            if not self.weekly or (day.weekday() + 1) % 7 == self.weekday:
                for hour in self.at_hours:
                    start = day.replace(hour=hour, minute=self.minute)
                    if start > after:
                        yield start
            day += timedelta(days=1)


def some_time(every: str, chance: random.Random) -> tuple[int, int, int]:
    """Pick hour, minute and weekday by chance: machines that were set up alike do not start together."""
    return chance.randrange(min(EVERY[every], _DAY)), chance.randrange(60), chance.randrange(7)


def read_time(text: str) -> tuple[int, int]:
    """Read HH:MM; raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time such as 03:17")
    return int(found[1]), int(found[2])


def one_line(words: Sequence[str]) -> None:
    """Refuse words that no file of a schedule can hold; raises ValueError."""
    for word in words:
        if any(ord(letter) < 32 or letter == "\x7f" for letter in word):
            raise ValueError(f"{word!r} holds a control character")
