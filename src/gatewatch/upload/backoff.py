"""How long to leave a destination alone that did not take what was sent: longer each time, and as it asks."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, fields, replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

from gatewatch.store.files import make_folder, read_json, write_json

# Seconds after the first failure; doubled with each further one.  Half of it is by chance ("equal jitter"),
# since all probes of a country find a collector back at the same moment.
_FIRST = 30.0
# A collector that was blocked for a month is asked four times a day: a request each, and it is found back
# within hours.
_MOST = 6 * 3600.0
# What a server may ask for; beyond that it is mistaken, or somebody in its place wants silence.
_MOST_ASKED = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """What is known of a destination's health; times are seconds since 1970."""

    failures: int = 0
    not_before: float = 0.0
    #: whether the server itself asked to be left alone
    asked: bool = False
    trouble: str = ""
    last_stored: float | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was written; the state of health where there is nothing."""
        try:
            found = read_json(path)
            return cls(**{f.name: found[f.name] for f in fields(cls)})
        except (OSError, ValueError, LookupError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        """Replace what was written; raises StoreFull and OSError."""
        make_folder(path.parent)
        write_json(path, asdict(self))

    def wait(self, now: float) -> float:
        """Seconds to wait from now on; 0 when it is due.

        A wait longer than any that is ever set comes of a clock that was set back since.
        """
        left = self.not_before - now
        return left if 0 < left <= _MOST_ASKED * 1.1 else 0.0

    def stored(self, now: float) -> Backoff:
        """It took something."""
        return replace(self, failures=0, not_before=0.0, asked=False, trouble="", last_stored=now)

    def failed(self, now: float, trouble: str, asked: float | None, chance: random.Random) -> Backoff:
        """It did not take it; ``asked``: for how many seconds it wants to be left alone."""
        failures = self.failures + 1
        delay = min(_MOST, _FIRST * 2.0 ** min(failures - 1, 30)) * chance.uniform(0.5, 1.0)
        if asked is not None:
            asked = min(asked, _MOST_ASKED)
            # Never earlier than asked, and not all at the same moment.
            delay = max(delay, asked * chance.uniform(1.0, 1.1))
        return replace(
            self, failures=failures, not_before=now + delay, asked=asked is not None, trouble=trouble
        )


def retry_after(text: str | None, now: float) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110 10.2.3); None where it says nothing."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        # A number of thousands of digits is no number to Python, nor to anybody.
        return float(text) if len(text) < 10 else _MOST_ASKED
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
