"""Target lists: the built-in ones, files of three formats, and several joined.

A bad line is reported and the rest goes on.  What comes from outside is bounded in size and number, and may
not name this machine or the home network.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from .formats import entries
from .model import RISKS, Target
from .reference import open_data
from .rows import DataError, Problem, lines
from .text import quote

BUILTIN = ("global", "kh", "my", "np", "th", "apps", "tibet", "uyghur", "taiwan", "south", "china")

# Citizen Lab's own names, and those that `gatewatch update` gives to the same files.
_OF_COUNTRY = re.compile(r"(?:citizenlab-)?([A-Za-z]{2})(?:\.[0-9a-f]{12})?")

# Enough to see what is wrong with a file; a file that is not a list at all must not fill the memory.
MAX_PROBLEMS = 1000


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a list held: its targets in order, without duplicates, and what was wrong with it."""

    targets: tuple[Target, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems by which something was lost, that is, all but the notes."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def load(name: str) -> tuple[Target, ...]:
    """Give a built-in list by its name, in any case.

    Raises KeyError for an unknown name and :class:`DataError` when the package's file is damaged.
    """
    return _load(name.lower())


@lru_cache(maxsize=len(BUILTIN))
def _load(name: str) -> tuple[Target, ...]:
    if name not in BUILTIN:
        raise KeyError(f"no built-in list {quote(name)}; there are {', '.join(BUILTIN)}")
    # apps.csv holds the endpoints of the apps that the list's targets stand for.
    file = "app-targets.csv" if name == "apps" else f"{name}.csv"
    with open_data(file) as stream:
        result = parse_list(stream, file, builtin=True)
    if result.problems:
        raise DataError(result.problems[0])
    return result.targets


def read(source: str | os.PathLike[str], *, local: bool = False) -> ReadResult:
    """Read a list from a path, or from standard input (``-``).

    ``local`` accepts addresses of this machine and of the home network, which a list from elsewhere has no
    business with.  A Citizen Lab file named by a country code, as they are (``my.csv``), gives its entries
    that country.  Raises :class:`DataError` when the file cannot be read at all.
    """
    name = os.fspath(source)
    if name == "-":
        return parse_list(sys.stdin.buffer, "stdin", local=local)
    stem = Path(name).stem
    named = _OF_COUNTRY.fullmatch(stem)
    country = named[1].upper() if named else ""
    try:
        with Path(name).open("rb") as stream:
            return parse_list(stream, name, country=country, local=local)
    except OSError as error:
        raise DataError(Problem(name, 0, "", error.strerror or str(error))) from None


def resolve_names(names: Iterable[str], *, local: bool = False) -> ReadResult:
    """Join built-in lists, files and standard input, in the order given; a built-in name wins over a file.

    An address that stands in several is measured once, by the entry with the highest risk tier, so that
    joining lists never lowers a tier; among equals the first counts.  Raises :class:`DataError`.
    """
    joined: dict[str, Target] = {}
    problems: list[Problem] = []
    for name in names:
        if name.lower() in BUILTIN:
            targets = load(name)
        elif name == "-" or Path(name).exists():
            result = read(name, local=local)
            targets = result.targets
            problems += result.problems
        else:
            text = f"no such file, and no built-in list (these are {', '.join(BUILTIN)})"
            raise DataError(Problem(name, 0, "", text))
        for target in targets:
            first = joined.setdefault(target.url, target)
            if RISKS.index(target.risk) > RISKS.index(first.risk):
                joined[target.url] = target
    return ReadResult(tuple(joined.values()), tuple(problems))


class _Problems:
    """Problems in the order found: the first thousand of them, and how many came after."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.left_out = 0

    def report(self, problem: Problem) -> None:
        if len(self.kept) < MAX_PROBLEMS:
            self.kept.append(problem)
        else:
            self.left_out += 1


def parse_list(
    stream: BinaryIO, file: str, *, country: str = "", builtin: bool = False, local: bool = False
) -> ReadResult:
    """Read a list from a stream of bytes; ``file`` names it in problems.  See :func:`read` for the rest."""
    problems = _Problems()
    places: dict[str, int] = {}
    targets: list[Target] = []
    numbered = lines(stream, file, problems.report)
    for row, make in entries(numbered, file, problems.report, country=country, builtin=builtin):
        try:
            target = make(row)
            if not local and not target.parts.is_public:
                raise row.error("host", f"{quote(target.host)} is not on the public internet")
        except DataError as error:
            problems.report(error.problem)
            continue
        if (place := places.setdefault(target.url, row.line)) != row.line:
            problems.report(Problem(file, row.line, "url", f"stands on line {place} already", "note"))
            continue
        targets.append(target)
    if problems.left_out:
        problems.kept.append(Problem(file, 0, "", f"{problems.left_out} further problems are not listed"))
    return ReadResult(tuple(targets), tuple(problems.kept))
