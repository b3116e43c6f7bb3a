"""A person at an emulated terminal: a new home, a shell's environment, and keys that are really typed."""

from __future__ import annotations

import re
import shlex
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# gatewatch as an installed command.  No test may send a packet, and this machine has a way out: what would
# use it ends the command at once.  Beyond the seam to the network everything is the command itself.
_COMMAND = """\
#!{python}
import os, socket, sys
sys.path[:0] = {path!r}
def watch(event, what):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(what[1], tuple):
        os._exit(99)
sys.addaudithook(watch)
real = socket.getaddrinfo
def numbers(host, port, family=0, type=0, proto=0, flags=0):
    return real(host, port, family, type, proto, flags) if flags & socket.AI_NUMERICHOST else os._exit(99)
socket.getaddrinfo = numbers
{seam}
from gatewatch.cli import main
main(prog_name="gatewatch")
"""
# The cable is pulled.
_PULLED = """
import gatewatch.runner.line
gatewatch.runner.line.has_route = lambda *_: False
"""
# The line of an ISP in the lab, in memory, where the internet would be: to gatewatch it is the internet, so
# that consents are asked for, and what carries a risk is left out.
_LINE = """
import dataclasses, trio
import gatewatch.cli.checks.line
from gatewatch.lab import rehearse
from gatewatch.runner import line
around, _ = rehearse.in_memory({scenario!r}, {isp!r}, seed=1)
line.has_route = lambda *_: True
rehearse.inside = lambda: (dataclasses.replace(around, lab=None), None)
async def look():
    async with around.enter() as wire:
        return await line.Line(wire, around.route, around.route6).look()
gatewatch.cli.checks.line._looked = lambda _: trio.run(look, clock=around.clock)
"""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
# A slow machine with two cores takes seconds to start Python beside seven others.
_PATIENCE = 60


class Person:
    """Types commands as a document shows them; what came back is text, without colours.

    ``line`` names an ISP of the lab, as ``--lab`` does, whose line this is; without it the cable is pulled.
    """

    def __init__(self, home: Path, line: str = "", columns: int = 100, **environment: str) -> None:
        self.home, self.columns = home, columns
        self.command = home / "bin" / "gatewatch"
        self.command.parent.mkdir(parents=True)
        self.environment: Mapping[str, str] = {
            "HOME": str(home),
            "PATH": f"{self.command.parent}:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            **environment,
        }
        self.code: int | None = None
        #: What came to the screen last, colours and all.
        self.raw = ""
        self.plugs_in(line)

    def plugs_in(self, line: str) -> None:
        """Plug the cable into another line; pull it where there is none."""
        scenario, _, isp = line.partition(":")
        seam = _LINE.format(scenario=scenario, isp=isp) if line else _PULLED
        path = [each for each in sys.path if each]
        self.command.write_text(_COMMAND.format(python=sys.executable, path=path, seam=seam))
        self.command.chmod(self.command.stat().st_mode | stat.S_IXUSR)

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
            dimensions=(50, self.columns),
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
        self.raw = shown
        return _CONTROL.sub("", shown)
