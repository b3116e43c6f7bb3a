"""The command line as its users call it: in a process of its own, or in this one."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback

from click.testing import CliRunner, Result

from gatewatch.cli import main

# Where most commands measure: in memory, on the line of a provider that filters nothing.
LAB = ("--lab", "small:clear", "--attach", "memory")


def gatewatch(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run ``python -m gatewatch``; ``before`` are words in front of it, such as ``unshare``."""
    return _run([*before, sys.executable, "-m", "gatewatch", *arguments])


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines of Python in a fresh interpreter."""
    return _run([sys.executable, "-c", code, *arguments])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    found = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **found},
    )


def here(*arguments: str, stdin: str = "") -> Result:
    """Call the command line in this process: faster, and its insides can be replaced."""
    return CliRunner().invoke(main, arguments, input=stdin)


def fell(got: Result) -> list[str]:
    """How a command fell over what it was given; it has to end as a command does."""
    if got.exception is None or isinstance(got.exception, SystemExit):
        return []
    *_, last = traceback.extract_tb(got.exception.__traceback__)
    return [f"{got.exception!r:.200} in {last.filename}:{last.lineno}"]
