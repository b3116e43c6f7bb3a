"""Fingerprints that others collect: OONI's tables and Censored Planet's lines, read from where they lie.

Nothing of them is kept here.  They come from strangers, so that a bad row is reported and the rest goes on,
and no pattern ever reaches a regular expression engine: what they call regexps are texts with gaps (``.*``
and ``.``), and so they are read; what cannot be read so is left out.  Too vague patterns are left out, too:
a word that stands in any page is no sign of a block page, and acquits none either.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from .model import GAP, Confidence, Fingerprint, Match, Scope, Where
from .rows import MAX_BYTES, DataError, Problem
from .text import COUNTRY, printable, quote

# Longer than any in the lists tested (831 characters); one that is longer costs more than it tells.
MAX_PATTERN = 2_048
# Bytes of UTF-8 below which a text of a body is too vague: "blokeret", "Web Filter" stand in honest pages.
# What acquits may be shorter: a sign lost is made good by comparing with the control.
_VAGUE, _VAGUE_ACQUITTAL = 12, 6
MAX_PROBLEMS = 1000

_OONI = "name,scope,other_names,location_found,pattern_type,pattern,confidence_no_fp,expected_countries"
#: OONI's scopes (blocking-fingerprints, README): "vbw", vague blocking words, are left out.
_SCOPES: dict[str, Scope] = {
    "nat": "national",
    "isp": "isp",
    "prod": "product",
    "inst": "institution",
    "fp": "context",
}
#: Censored Planet's classes, by the first letter of a name: the word after it is not always right.
_CLASSES: dict[str, tuple[Scope, Confidence]] = {
    "a": ("product", "medium"),
    "b": ("national", "medium"),
    "c": ("isp", "medium"),
    "d": ("institution", "medium"),
    "e": ("context", "low"),
    "f": ("context", "low"),
}
_CP_COUNTRY = re.compile(r"[bc]_(?:nat|isp)_([a-z]{2})_")
# The example that a row links to says when the page was seen.
_MEASURED = re.compile(r"/measurement/(20\d\d)")
# What a real regular expression has and a text with gaps has not.
_REAL = re.compile(r"\\[dDwWsSbBAZ1-9]|\[|\(\?")


@dataclass(frozen=True, slots=True)
class SignFile:
    """What a file held: ``vague`` counts patterns left out because they would match honest pages."""

    path: str
    kind: str
    signs: tuple[Fingerprint, ...]
    problems: tuple[Problem, ...]
    vague: int


class _Reader:
    """The rows of one file, and what was wrong with it."""

    def __init__(self, file: str, origin: str) -> None:
        self.file = file
        self.origin = origin
        self.signs: list[Fingerprint] = []
        self.problems: list[Problem] = []
        self.vague = 0

    def report(self, line: int, field: str, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(self.file, line, field, text))

    def add(self, line: int, sign: Fingerprint) -> None:
        if len(sign.pattern) > MAX_PATTERN:
            self.report(line, "pattern", f"has {len(sign.pattern)} characters, the limit is {MAX_PATTERN}")
        elif _is_vague(sign):
            self.vague += 1
        else:
            self.signs.append(sign)


def read_signs(source: str | os.PathLike[str]) -> SignFile:
    """Read a file of either kind; raises :class:`DataError` when it cannot be read or is of no known kind."""
    name = os.fspath(source)
    try:
        with Path(name).open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(Problem(name, 0, "", error.strerror or str(error))) from None
    if len(raw) > MAX_BYTES:
        raise DataError(Problem(name, 0, "", f"is larger than {MAX_BYTES} bytes"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(Problem(name, 0, "", "is not UTF-8")) from None
    kind, read = _kind(name, text)
    reader = _Reader(name, kind)
    read(reader, text)
    return SignFile(name, kind, tuple(reader.signs), tuple(reader.problems), reader.vague)


def _kind(name: str, text: str) -> tuple[str, Callable[[_Reader, str], None]]:
    if text.startswith(_OONI):
        return "ooni", _read_ooni
    if text.lstrip()[:1] == "{" and '"fingerprint"' in text[:4096]:
        acquits = "false_positive" in Path(name).name.lower()
        return "cp", lambda reader, text: _read_cp(reader, text, acquits)
    expected = "OONI's columns or Censored Planet's JSON lines"
    raise DataError(Problem(name, 1, "header", f"has neither {expected}"))


def _read_ooni(reader: _Reader, text: str) -> None:
    """OONI's CSV, whose quoted patterns may hold line breaks."""
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            # What comes after an open quote cannot be told apart from it.
            reader.report(rows.line_num, "line", f"{error}; the rest is not read")
            return
        if row is None:
            return
        if len(row) != len(header):
            reader.report(rows.line_num, "line", f"has {len(row)} fields, the header has {len(header)}")
            continue
        try:
            sign = _ooni(reader, rows.line_num, dict(zip(header, row, strict=True)))
        except ValueError as error:
            field, _, said = str(error).partition(": ")
            reader.report(rows.line_num, field, said)
        else:
            if sign is not None:
                reader.add(rows.line_num, sign)


def _ooni(reader: _Reader, line: int, row: dict[str, str]) -> Fingerprint | None:
    scope = row["scope"]
    if scope == "vbw":
        reader.vague += 1
        return None
    if scope not in _SCOPES:
        raise ValueError(f"scope: {quote(scope)} is not one of {', '.join(_SCOPES)}")
    where, header = _where(row["location_found"])
    match: Match = "full"
    if row["pattern_type"] in ("full", "prefix", "contains", "regexp"):
        match = row["pattern_type"]  # type: ignore[assignment] # one of these four words
    else:
        raise ValueError(f"pattern_type: {quote(row['pattern_type'])} is unknown")
    level = row["confidence_no_fp"]
    trust = int(level) if level.isascii() and level.isdigit() else 0
    told = _MEASURED.search(row.get("exp_url", ""))
    year = told.group(1) if told else ""
    countries = tuple(c for c in (part.strip() for part in row["expected_countries"].split(",")) if c)
    return Fingerprint(
        id=printable(f"ooni:{row['name']}"),
        countries=tuple(c for c in countries if COUNTRY.fullmatch(c)),
        where=where,
        pattern=_pattern(row["pattern"], where, match),
        scope=_SCOPES[scope],
        # Five of ten is what nearly all rows say; a table of our own says high only after looking.
        confidence="medium" if trust >= 5 else "low",
        false_positive=scope == "fp",
        source="ooni-fingerprints",
        note=printable(row.get("notes", ""))[:300],
        first_seen=year,
        last_seen=year,
        match=match,
        header=header,
        origin=reader.origin,
    )


def _where(found: str) -> tuple[Where, str]:
    if found == "dns":
        return "dns.a", ""
    if found == "body":
        return "http.body", ""
    if found == "header.location":
        return "http.location", ""
    if found.startswith("header."):
        return "http.header", found.removeprefix("header.").lower()
    raise ValueError(f"location_found: {quote(found)} is unknown")


def _read_cp(reader: _Reader, text: str, acquits: bool) -> None:
    """Censored Planet's lines; a file of false positives is known by its name."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, pattern = row["fingerprint"], row["pattern"]
            if not (isinstance(name, str) and isinstance(pattern, str)):
                raise TypeError
        except (ValueError, LookupError, TypeError, RecursionError):
            reader.report(number, "line", "is not an object with a fingerprint and a pattern")
            continue
        scope, confidence = _CLASSES.get(name[:1], ("context", "low"))
        country = _CP_COUNTRY.match(name)
        where, pattern, header = _in_response(pattern)
        try:
            reader.add(
                number,
                Fingerprint(
                    id=printable(f"cp:{name}"),
                    countries=(country.group(1).upper(),) if country else (),
                    where=where,
                    pattern=_pattern(pattern, where, "regexp"),
                    scope="context" if acquits else scope,
                    confidence=confidence,
                    false_positive=acquits,
                    source="censoredplanet",
                    note="",
                    match="regexp",
                    header=header,
                    origin=reader.origin,
                ),
            )
        except ValueError as error:
            field, _, said = str(error).partition(": ")
            reader.report(number, field, said)


def _in_response(pattern: str) -> tuple[Where, str, str]:
    """Theirs are sought in the whole response; a header's line at the start of one says that it is meant."""
    name, colon, rest = pattern.partition(": ")
    if colon and name.lower() == "location":
        return "http.location", rest, ""
    if colon and name.lower() in ("server", "via", "www-authenticate", "x-squid-error"):
        return "http.header", rest, name.lower()
    return "http.body", pattern, ""


def _pattern(text: str, where: Where, match: Match) -> str:
    if where == "dns.a":
        try:
            return str(ip_address(text.strip()))
        except ValueError:
            raise ValueError(f"pattern: {quote(text)} is no address") from None
    if not text or GAP in text:
        raise ValueError("pattern: is empty, or holds a control character")
    return GAP.join(_gaps(text)) if match == "regexp" else text


def _gaps(pattern: str) -> Sequence[str]:
    r"""Read a regexp as texts with gaps: ``\.`` is a dot, ``.*`` and ``.`` are gaps, all else is itself.

    Their brackets, bars and question marks are those of the page, left without a backslash.  Raises
    ValueError for classes and other real constructs, which texts cannot stand for.
    """
    if (found := _REAL.search(pattern)) is not None:
        raise ValueError(f"pattern: {quote(found.group())} needs a regular expression, which is not run")
    return [part for part in _pieces(pattern) if part]


def _pieces(pattern: str) -> Iterator[str]:
    piece, place = "", 0
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\" and place + 1 < len(pattern):
            piece += pattern[place + 1]
            place += 2
        elif sign == ".":
            yield piece
            piece = ""
            place += 1
            while place < len(pattern) and pattern[place] in "*+?":
                place += 1
        else:
            piece += sign
            place += 1
    yield piece


def _is_vague(sign: Fingerprint) -> bool:
    if sign.where != "http.body":
        return False
    longest = max((len(part.encode("utf-8", "surrogatepass")) for part in sign.segments), default=0)
    return longest < (_VAGUE_ACQUITTAL if sign.false_positive else _VAGUE)
