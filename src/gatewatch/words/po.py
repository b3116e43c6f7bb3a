"""Catalogues as translators know them: gettext's .po files, read, written, and handed to the stdlib's lookup.

No compiled file is kept: a catalogue of some hundred texts is read in milliseconds, so what a translator
edits is what speaks, in a wheel as in a working copy.  The format is the part of GNU gettext's that is needed
here (gnu.org/software/gettext/manual, "PO Files"): comments, ``msgid``, ``msgid_plural``, ``msgstr``.
"""

from __future__ import annotations

import ast
import io
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from gettext import GNUTranslations

_LINE = re.compile(r'(msgid|msgid_plural|msgstr)(?:\[(\d+)\])?\s+(".*")')
_MAGIC = 0x950412DE


class DamagedCatalogue(ValueError):
    """A catalogue cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text with its translations: one, or one for each plural form.  The header's text is empty.

    ``comments`` are the lines before it with their marks: ``#:`` where it is from, ``#.`` what it is for.
    """

    text: str
    plural: str | None = None
    translations: tuple[str, ...] = ("",)
    comments: tuple[str, ...] = ()


def read(text: str) -> tuple[Entry, ...]:
    """Read a catalogue; raises DamagedCatalogue."""
    found: dict[str, Entry] = {}
    comments: list[str] = []
    parts: dict[tuple[str, int], str] = {}
    last: tuple[str, int] | None = None

    def finish() -> None:
        nonlocal last
        if parts:
            entry = _entry(parts, comments)
            if entry.text in found:
                raise DamagedCatalogue(f"{entry.text!r} stands there twice")
            found[entry.text] = entry
            parts.clear()
            comments.clear()
        last = None

    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line:
            finish()
        elif line.startswith("#"):
            if parts:
                finish()
            if line.startswith("#~"):
                continue  # what was translated once and is no longer said
            comments.append(line)
        elif match := _LINE.fullmatch(line):
            if match[1] == "msgid" and parts:
                finish()
            last = (match[1], int(match[2] or 0))
            parts[last] = _unquoted(match[3], number)
        elif line.startswith('"') and last is not None:
            parts[last] += _unquoted(line, number)
        else:
            raise DamagedCatalogue(f"line {number} is none of a catalogue")
    finish()
    return tuple(found.values())


def _entry(parts: Mapping[tuple[str, int], str], comments: Iterable[str]) -> Entry:
    if ("msgid", 0) not in parts:
        raise DamagedCatalogue("a translation has no text")
    forms = tuple(parts[key] for key in sorted(parts) if key[0] == "msgstr")
    return Entry(parts["msgid", 0], parts.get(("msgid_plural", 0)), forms or ("",), tuple(comments))


def _unquoted(text: str, number: int) -> str:
    try:
        # A C string of gettext is a Python string as well, as far as catalogues use it.
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        raise DamagedCatalogue(f"line {number} is no quoted text") from None


def written(entries: Iterable[Entry]) -> str:
    """Write a catalogue; texts of several lines are written a line each, as gettext does."""
    blocks = []
    for entry in entries:
        lines = [*entry.comments, f"msgid {_quoted(entry.text)}"]
        if entry.plural is None:
            lines.append(f"msgstr {_quoted(entry.translations[0])}")
        else:
            lines.append(f"msgid_plural {_quoted(entry.plural)}")
            lines += [f"msgstr[{n}] {_quoted(text)}" for n, text in enumerate(entry.translations)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    lines = [line.replace("\n", "\\n") for line in escaped.splitlines(keepends=True)]
    return f'"{lines[0] if lines else ""}"' if len(lines) < 2 else '""\n' + "\n".join(f'"{x}"' for x in lines)


def translations(entries: Iterable[Entry]) -> GNUTranslations:
    """Give gettext's own lookup, with its plural rules; what is not translated stays as it is."""
    pairs = []
    for entry in entries:
        if all(entry.translations):
            key = entry.text if entry.plural is None else f"{entry.text}\0{entry.plural}"
            pairs.append((key.encode(), "\0".join(entry.translations).encode()))
    # A .mo file in memory: header, two tables of length and offset, then the texts (the manual, "MO Files").
    pairs.sort()
    count = len(pairs)
    head = struct.pack("<7I", _MAGIC, 0, count, 28, 28 + 8 * count, 0, 28 + 16 * count)
    offset = 28 + 16 * count
    tables, texts = [], []
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<2I", len(pair[column]), offset))
            texts.append(pair[column] + b"\0")
            offset += len(texts[-1])
    return GNUTranslations(io.BytesIO(head + b"".join(tables) + b"".join(texts)))
