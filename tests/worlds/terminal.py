"""A person at an emulated terminal: a new home, a shell's environment, and keys that are really typed."""

from __future__ import annotations

import re
import shlex
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# gatewatch as an installed command, on a machine whose cable is pulled: no test may send a packet, and this
# machine has a way out.  Everything else is the command itself.
_COMMAND = """\
#!{python}
import sys
sys.path[:0] = {path!r}
import gatewatch.runner.line
gatewatch.runner.line.has_route = lambda *_: False
from gatewatch.cli import main
main(prog_name="gatewatch")
"""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
# A slow machine with two cores takes seconds to start Python beside seven others.
_PATIENCE = 60


class Person:
    """Types commands as a document shows them; what came back is text, without colours."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        command = home / "bin" / "gatewatch"
        command.parent.mkdir(parents=True)
        command.write_text(_COMMAND.format(python=sys.executable, path=[p for p in sys.path if p]))
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        self.environment: Mapping[str, str] = {
            "HOME": str(home),
            "PATH": f"{command.parent}:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            **environment,
        }
        self.code: int | None = None

    def types(self, line: str, *answers: tuple[str, str]) -> str:
        """Type a command; then wait for each text and type its answer.  Gives all that was on the screen."""
        import pexpect

        program, *words = shlex.split(line)
        screen: Any = pexpect.spawn(
            str(self.home / "bin" / program),
            words,
            env=dict(self.environment),
            cwd=str(self.home),
            encoding="utf-8",
            timeout=_PATIENCE,
            dimensions=(50, 100),
        )
        shown = ""
        for text, answer in answers:
            # Lines are broken where the terminal ends.
            screen.expect(r"\s+".join(map(re.escape, text.split())))
            shown += screen.before + screen.after
            screen.expect(": $")
            shown += screen.before
            screen.sendline(answer)
        screen.expect(pexpect.EOF)
        shown += screen.before
        screen.close()
        self.code = screen.exitstatus
        return _CONTROL.sub("", shown)
