"""What the systems have in common: what would be written, writing it, and taking it away again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatewatch.schedule.job import Job

# systemctl and crontab answer within milliseconds; one that hangs must not hang us.
_PATIENCE = 60.0


class Failed(Exception):
    """The system did not take it; says what it said."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command of the system ended."""

    code: int
    out: str
    err: str


#: Runs a command of the system with a text on its standard input.
Call = Callable[[Sequence[str], str], Answer]


class System(Protocol):
    """One way to have a job repeated."""

    #: What ``--system`` calls it.
    name: str

    def written(self, jobs: Sequence[Job]) -> Mapping[str, str]:
        """Give what would be written, by its place."""

    def install(self, jobs: Sequence[Job]) -> list[str]:
        """Write it; gives what is left for a person to do, in words.  Raises Failed and OSError."""

    def remove(self) -> list[str]:
        """Take everything of ours away; gives what it was.  Raises Failed and OSError."""

    def found(self) -> list[str]:
        """Give what of ours is there now."""


def call(words: Sequence[str], stdin: str = "") -> Answer:
    """Run a command of the system, in its plain English; raises Failed where there is none or it hangs."""
    try:
        # From a file: a pipe ends with this process, and crontab(1) would install the half of a table that
        # had come, without everybody's lines in the other half.
        with tempfile.TemporaryFile() as file:
            file.write(stdin.encode("utf-8", "surrogateescape"))
            file.seek(0)
            done = subprocess.run(
                words,
                stdin=file,
                capture_output=True,
                check=False,
                timeout=_PATIENCE,
                env={**os.environ, "LC_ALL": "C"},
            )
    except FileNotFoundError:
        raise Failed(f"there is no {words[0]} here") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(words)} did not end within {_PATIENCE:.0f} s") from None
    # What is written back must be what was read, in whatever encoding somebody wrote it.
    out = done.stdout.decode("utf-8", "surrogateescape")
    if sys.platform == "win32":
        out = out.replace("\r\n", "\n")
    return Answer(done.returncode, out, done.stderr.decode("utf-8", "replace"))
