"""Lines of a table, read one by one: bounded, one entry a line, and every error with file, line and field."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, TypeVar

from .text import COUNTRY, printable, quote

T = TypeVar("T", bound=str)

# The longest line of the Citizen Lab lists tested has 771 bytes; one longer than this is no entry.
MAX_LINE = 16 * 1024
# The largest list tested (Citizen Lab's global one) has 170 KB.
MAX_BYTES = 16 * 1024 * 1024
# At one start a second so many targets take more than a day: no campaign for a volunteer's line.
MAX_LINES = 100_000

# Control characters other than the tab (which white-space handling takes away), C1 controls included.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line: ``note`` where nothing is lost (a duplicate), ``error`` where an entry is.

    ``line`` counts from 1; 0 means the file as a whole.
    """

    file: str
    line: int
    field: str
    text: str
    severity: Literal["error", "note"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return printable(f"{place}: {self.field}: {self.text}" if self.field else f"{place}: {self.text}")


class DataError(ValueError):
    """A table or list cannot be used; ``problem`` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a table with its place; every getter raises :class:`DataError` naming the field."""

    file: str
    line: int
    values: dict[str, str]

    def error(self, field: str, text: str) -> DataError:
        """Give the exception that says what is wrong with ``field``."""
        return DataError(Problem(self.file, self.line, field, text))

    def text(self, field: str, default: str | None = None) -> str:
        """Give the field's text; without ``default`` it must not be empty."""
        value = self.values.get(field, "").strip()
        if value:
            return value
        if default is None:
            raise self.error(field, "is missing")
        return default

    def choice(self, field: str, options: Sequence[T], default: T | None = None) -> T:
        """Give the field's value, which must be one of ``options``."""
        value = self.text(field, default)
        for option in options:
            if value == option:
                return option
        raise self.error(field, f"{quote(value)} is not one of {', '.join(options)}")

    def flag(self, field: str, default: str | None = None) -> bool:
        """Give a field that says yes or no."""
        return _YES_NO[self.choice(field, tuple(_YES_NO), default)]

    def number(self, field: str) -> int:
        """Give a whole number."""
        value = self.text(field)
        if not (value.isascii() and value.isdigit()):
            raise self.error(field, f"{quote(value)} is not a number")
        return int(value)

    def words(self, field: str) -> tuple[str, ...]:
        """Give the field's words, which white space separates; none where it is empty."""
        return tuple(self.text(field, "").split())

    def countries(self, field: str = "countries") -> tuple[str, ...]:
        """Give two-letter country codes, in upper case."""
        codes = tuple(code.upper() for code in self.words(field))
        for code in codes:
            if not COUNTRY.fullmatch(code):
                raise self.error(field, f"{quote(code)} is not a two-letter country code")
        return codes


def lines(stream: BinaryIO, file: str, report: Callable[[Problem], None]) -> Iterator[tuple[int, str]]:
    """Give the lines that hold something, numbered from 1, without line ends; report the ones that are unfit.

    Reads at most :data:`MAX_BYTES` and :data:`MAX_LINES`, and holds at most :data:`MAX_LINE` of one line.
    """
    total = number = 0
    while chunk := stream.readline(MAX_LINE + 1):
        number += 1
        if number > MAX_LINES:
            report(Problem(file, number, "", f"the file has over {MAX_LINES} lines; the rest is not read"))
            return
        length = len(chunk)
        rest = chunk
        while rest and not rest.endswith(b"\n") and total + length <= MAX_BYTES:
            rest = stream.readline(MAX_LINE)
            length += len(rest)
        total += length
        if total > MAX_BYTES:
            report(
                Problem(file, number, "", f"the file is larger than {MAX_BYTES} bytes; the rest is not read")
            )
            return
        if length > MAX_LINE:
            report(Problem(file, number, "line", f"has {length} bytes, the limit is {MAX_LINE}"))
            continue
        if number == 1 and chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
            report(Problem(file, 0, "", "is UTF-16; save it as UTF-8"))
            return
        try:
            text = chunk.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            report(Problem(file, number, "line", "is not UTF-8"))
            continue
        if (found := _CONTROL.search(text)) is not None:
            report(Problem(file, number, "line", f"holds the control character {quote(found.group())}"))
        elif text.strip():
            yield number, text


def cells(line: str) -> list[str]:
    """Take one line of CSV (RFC 4180) apart; raises ValueError where its quotes do not close."""
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        # One entry is one line: a quote left open must not swallow the entries after it.
        raise ValueError(str(error)) from None


def table(stream: BinaryIO, file: str, columns: Sequence[str]) -> Iterator[Row]:
    """Read one of our own tables, whose header must be ``columns``.

    Raises :class:`DataError` at the first fault.
    """

    def fail(problem: Problem) -> None:
        raise DataError(problem)

    header: list[str] | None = None
    for number, line in lines(stream, file, fail):
        if line.startswith("#"):
            continue
        try:
            values = cells(line)
        except ValueError as error:
            raise DataError(Problem(file, number, "line", str(error))) from None
        if header is None:
            if (header := values) != list(columns):
                raise DataError(Problem(file, number, "header", f"must be {','.join(columns)}"))
        elif len(values) != len(header):
            raise DataError(
                Problem(file, number, "line", f"has {len(values)} fields, the header has {len(header)}")
            )
        else:
            yield Row(file, number, dict(zip(header, values, strict=True)))
