"""Tables written in TOML, read with the place of every value: errors name file and path.

What is nested (a country with its providers, a cable with its landings) is TOML; what is flat is CSV
(:mod:`.rows`).  A path is what one would write to get there, counting from 0: ``KH.isps[3].asn``.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from .rows import MAX_BYTES, DataError, Problem
from .text import COUNTRY, quote

T = TypeVar("T", bound=str)

# A bare key stands in a path as it is, any other in quotes, as TOML itself writes them.
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Control characters other than the tab and the line break (which only prose may hold), C1 controls included.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
# Numbers of AS0, the last 16-bit one and the last 32-bit one, and those for private use and documentation
# (RFC 7607, RFC 7300, RFC 6996, RFC 5398): no operator has one.
_NO_OPERATOR = (range(1), range(64496, 65552), range(4200000000, 4294967296))


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place; every getter raises :class:`~gatewatch_targets.rows.DataError` naming the path.

    ``path`` is empty for the file as a whole.
    """

    file: str
    path: str
    value: Any

    def error(self, text: str) -> DataError:
        """Give the exception that says what is wrong with this value."""
        return DataError(Problem(self.file, 0, self.path, text))

    def keys(self) -> tuple[str, ...]:
        """Give a table's keys in the file's order."""
        return tuple(self._table())

    def has(self, key: str) -> bool:
        """Whether a table has this key."""
        return key in self._table()

    def only(self, *known: str) -> None:
        """Refuse keys that nobody reads: a misspelt key must not pass for an absent one."""
        for key in self._table():
            if key not in known:
                raise self._at(key, None).error(f"is not read here; known are {', '.join(known)}")

    def get(self, key: str) -> Node:
        """Give a table's entry, which must be there."""
        table = self._table()
        if key not in table:
            raise self._at(key, None).error("is missing")
        return self._at(key, table[key])

    def tables(self) -> Iterator[tuple[str, Node]]:
        """Give a table's entries, each of which must be a table itself, with their keys."""
        for key in self.keys():
            entry = self.get(key)
            entry._table()
            yield key, entry

    def rows(self, key: str) -> tuple[Node, ...]:
        """Give the tables of a list (``[[key]]``); none where it is absent."""
        if not self.has(key):
            return ()
        found = self.get(key).items()
        for row in found:
            row._table()
        return found

    def items(self) -> tuple[Node, ...]:
        """Give a list's entries."""
        self._of(list)
        return tuple(
            Node(self.file, f"{self.path}[{place}]", value) for place, value in enumerate(self.value)
        )

    def text(self, key: str, default: str | None = None) -> str:
        """Give a text in one line; without ``default`` it must be there, and it is never empty."""
        if default is not None and not self.has(key):
            return default
        return self.get(key).as_text()

    def as_text(self) -> str:
        """Give the value as a text: not empty, no control characters, lines joined."""
        self._of(str)
        if (found := _CONTROL.search(self.value)) is not None:
            raise self.error(f"holds the control character {quote(found.group())}")
        text = " ".join(str(self.value).split())
        if not text:
            raise self.error("is empty")
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts without repeats; none where it is absent."""
        if not self.has(key):
            return ()
        found: dict[str, None] = {}
        for item in self.get(key).items():
            if (text := item.as_text()) in found:
                raise item.error(f"{quote(text)} stands in the list already")
            found[text] = None
        return tuple(found)

    def choice(self, key: str, options: Sequence[T], default: T | None = None) -> T:
        """Give a text that must be one of ``options``."""
        value = self.text(key, default)
        for option in options:
            if value == option:
                return option
        raise self._at(key, value).error(f"{quote(value)} is not one of {', '.join(options)}")

    def number(self, key: str, low: float, high: float, unit: str = "") -> float:
        """Give a number from ``low`` to ``high``; ``unit`` says in the error what it should have been."""
        node = self.get(key)
        node._of(float)
        # "not ... <=" also refuses nan, which TOML knows and no measure is.
        if not low <= node.value <= high:
            raise node.error(f"{node.value} is not {unit or f'from {low:g} to {high:g}'}")
        return float(node.value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Give true or false."""
        if default is not None and not self.has(key):
            return default
        node = self.get(key)
        node._of(bool)
        return bool(node.value)

    def asns(self, key: str) -> tuple[int, ...]:
        """Give the numbers of autonomous systems that an operator can have; none where the key is absent."""
        found: dict[int, None] = {}
        for item in self.get(key).items() if self.has(key) else ():
            item._of(int)
            if not 0 < item.value < 2**32 or any(item.value in block for block in _NO_OPERATOR):
                raise item.error(f"{item.value} is not the number of an operator's network")
            if item.value in found:
                raise item.error(f"{item.value} stands in the list already")
            found[item.value] = None
        return tuple(found)

    def country(self, key: str) -> str:
        """Give a two-letter country code."""
        code = self.text(key)
        if not COUNTRY.fullmatch(code):
            raise self._at(key, code).error(f"{quote(code)} is not a two-letter country code")
        return code

    def sources(self, key: str = "source") -> str:
        """Give source keys, separated by spaces, each of which stands in sources.csv."""
        from .reference import sources

        words = self.text(key)
        for word in words.split():
            if word not in sources():
                raise self._at(key, word).error(f"{quote(word)} is not a key of sources.csv")
        return words

    def _at(self, key: str, value: Any) -> Node:
        name = key if _BARE.fullmatch(key) else quote(key)
        return Node(self.file, f"{self.path}.{name}" if self.path else name, value)

    def _table(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.error(f"{quote(str(self.value))} is not a table")
        return self.value

    def _of(self, kind: type) -> None:
        # True is an int to Python and to nobody else.
        fits = isinstance(self.value, (int, float) if kind is float else kind)
        if not fits or (kind is not bool and isinstance(self.value, bool)):
            raise self.error(f"{quote(str(self.value))} is not {_KINDS[kind]}")


def read_tree(stream: BinaryIO, file: str) -> Node:
    """Read a TOML file; raises :class:`~gatewatch_targets.rows.DataError` where it is none."""
    raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise DataError(Problem(file, 0, "", f"is larger than {MAX_BYTES} bytes"))
    try:
        return Node(file, "", tomllib.loads(raw.decode("utf-8")))
    except UnicodeDecodeError:
        raise DataError(Problem(file, 0, "", "is not UTF-8")) from None
    except (ValueError, RecursionError) as error:
        # TOMLDecodeError is a ValueError; so is what a number of thousands of digits raises.
        raise DataError(Problem(file, 0, "", f"is not TOML: {error}")) from None


def read_json(raw: bytes, file: str) -> Node:
    """Read JSON into such a tree; raises :class:`~gatewatch_targets.rows.DataError` where it is none."""
    if len(raw) > MAX_BYTES:
        raise DataError(Problem(file, 0, "", f"is larger than {MAX_BYTES} bytes"))
    try:
        return Node(file, "", json.loads(raw.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise DataError(Problem(file, 0, "", "is not UTF-8")) from None
    except (ValueError, RecursionError) as error:
        raise DataError(Problem(file, 0, "", f"is not JSON: {error}")) from None
