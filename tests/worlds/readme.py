"""What the README tells a new user to type: the transcripts take their commands from here alone.

A transcript pairs the commands of its part, in their order, with what has to come of each; so a command that
is added to the README without a transcript fails.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

Step = TypeVar("Step")
_TEXT = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = _TEXT.partition("\n## Three ways to use it\n")[2].partition("\n## ")[0]
#: Each part begins with a line that begins with a bold word; what stands before the first is no part.
PARTS = dict(re.findall(r"^\*\*([\w ]+?),?\*\*(.*?)(?=^\*\*\w|^\| |\Z)", SECTION, re.MULTILINE | re.DOTALL))
VOLUNTEERS, MACHINES, RESEARCHERS, REHEARSAL = (
    "Volunteers",
    "Machines that measure by themselves",
    "Researchers",
    "To rehearse",
)


def commands(part: str) -> list[str]:
    """The command lines of a part, as they are typed: without their comments."""
    return [_bare(line) for line in re.findall(r"^ {4}(\S.*)$", _outside_fences(PARTS[part]), re.MULTILINE)]


def code(part: str, language: str) -> str:
    """The one block of a part in a language."""
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", PARTS[part], re.MULTILINE | re.DOTALL)
    return str(block)


def configuration(part: str) -> dict[str, dict[str, Any]]:
    """The TOML of a part."""
    return tomllib.loads(code(part, "toml"))


def paired(part: str, steps: Iterable[tuple[str, Step]]) -> Iterator[tuple[str, Step]]:
    """Each command of a part with its step of a transcript; both begin alike, and none is left over."""
    for command, (beginning, step) in zip(commands(part), steps, strict=True):
        assert command.startswith(beginning), f"the README has {command!r} where {beginning!r} was expected"
        yield command, step


def left_over(covered: Iterable[str]) -> list[str]:
    """Whatever of the section looks like something to type and is in none of these parts."""
    text = SECTION
    for part in covered:
        text = text.replace(PARTS[part], "")
    found = re.findall(r"^(?: {4}|\$ )(.*)$|^```(.*)$", text, re.MULTILINE)
    quoted = re.findall(r"`((?:gatewatch|sudo|systemctl|pip|python|make)\s[^`]+)`", _outside_fences(SECTION))
    return ["".join(each) for each in found] + quoted


def _outside_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def _bare(line: str) -> str:
    return shlex.join(shlex.split(line, comments=True))
