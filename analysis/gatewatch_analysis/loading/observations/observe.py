"""From lines to observations: each is read whole, or in part, or set aside with its reason."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

from gatewatch.records import Measurement, encode
from gatewatch_analysis.loading import formats, plain
from gatewatch_analysis.loading.identity import number
from gatewatch_analysis.loading.observations import lenient
from gatewatch_analysis.loading.observations.carriers import MOST_ROWS, Rows
from gatewatch_analysis.loading.observations.columns import Envelopes, table
from gatewatch_analysis.loading.observations.flatten import flatten
from gatewatch_analysis.loading.observations.shape import Record
from gatewatch_analysis.loading.seen import Seen
from gatewatch_analysis.loading.wanted import ALL, Wanted

# Objects and lists that one line may hold: each costs some 150 bytes once read, whatever it is written in.
# The most that a measurement needs is some thousands; braces in pages count here as well.
MOST_OBJECTS = 2**19
# Lines so short cannot hold too many.
_SHORT = 2**18
_DEEP = "not JSON that can be read: nested too deeply"

#: Measurements held as objects before they become columns: as many as a processor's cache holds the pages of;
#: with four times as many it takes a tenth longer.
MOST_HELD = 500
MOST_BYTES = 2**24

_DECODER = msgspec.json.Decoder(Record)


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be read as it should; ``kept``: the rest of it was."""

    line: int
    reason: str
    kept: bool


@dataclass(slots=True)
class Observer:
    """Collects the observations of one source's lines until they are asked for."""

    run: str
    isp: str | None = None
    lab: bool = False
    wanted: Wanted = ALL
    #: With it, copies of a measurement are left out.
    seen: Seen | None = None
    problems: list[Problem] = field(default_factory=list)
    #: One of these grows with each line (or item of a list): measurements read, lines set aside, results that
    #: measured nothing or are not wanted, and copies.
    read: int = 0
    aside: int = 0
    passed: int = 0
    copies: int = 0
    _envelopes: Envelopes = field(default_factory=Envelopes)
    _rows: Rows = field(default_factory=Rows)
    _bytes: int = 0

    def line(self, at: int, line: bytes) -> None:
        """Read a line; it never raises, and what is wrong joins the problems."""
        try:
            self._line(at, line)
        except RecursionError:
            self._put_aside(at, _DEEP)
        except (ValueError, TypeError) as error:
            self._put_aside(at, f"not a measurement: {error}")

    def block(self, lines: Iterable[tuple[int, bytes]]) -> int:
        """Read some lines, with their numbers; gives the last number, 0 for no lines."""
        at = 0
        with no_collection():
            for at, line in lines:
                self.line(at, line)
        return at

    def _line(self, at: int, line: bytes) -> None:
        if len(line) > _SHORT and line.count(b"{") + line.count(b"[") > MOST_OBJECTS:
            raise ValueError(f"more than {MOST_OBJECTS} objects and lists")
        try:
            record = _DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._slowly(at, line)
            return
        if record.test_name:
            self._add(at, record, line)
        else:
            self._slowly(at, line)

    def _slowly(self, at: int, line: bytes) -> None:
        """Read what is no measurement of OONI's form, or has odd values, or is a list of results."""
        data = lenient.cleaned(json.loads(line))
        if not isinstance(data, list):
            self._one(at, data, line, "")
            return
        for position, item in enumerate(data, 1):
            where = f"item {position}: "
            try:
                self._one(at, item, json.dumps(item).encode(), where)
            except (ValueError, TypeError) as error:
                self._put_aside(at, f"{where}not a measurement: {error}")

    def _one(self, at: int, data: Any, line: bytes, where: str) -> None:
        odd: list[str] = []
        if isinstance(data, Mapping) and not data.get("test_name") and formats.known(data):
            measurement = formats.read(data)
            if measurement is None:
                self.passed += 1
                return
            record = _record(measurement)
        else:
            record, odd = lenient.read(data)
        self._add(at, record, line, where)
        self.problems += [Problem(at, f"{where}{reason}", True) for reason in odd]

    def _put_aside(self, at: int, reason: str) -> None:
        self.aside += 1
        self.problems.append(Problem(at, reason, False))

    def _add(self, at: int, record: Record, line: bytes, where: str = "") -> None:
        if not record.test_name or record.test_keys is None:
            raise TypeError("it has no test_name or no test_keys")
        start = time((record.measurement_start_time or "")[:40])
        country = record.probe_cc or "ZZ"
        if not self.wanted(country, start):
            self.passed += 1
            return
        which = number(record, line)
        if self.seen is not None and not self.seen.add(which):
            self.copies += 1
            return
        envelopes = self._envelopes
        beyond = flatten(record, len(envelopes), self._rows, size=len(line))
        if beyond:
            raise ValueError(f"{beyond} observations, more than {MOST_ROWS}")
        if start is None:
            self.problems.append(Problem(at, f"{where}$.measurement_start_time: no time", True))
        network = asn((record.probe_asn or "")[:16])
        envelopes.country.append(country)
        envelopes.isp.append(self.isp or record.probe_network_name or f"AS{network}")
        envelopes.asn.append(network)
        envelopes.measurement.append(which)
        envelopes.test_name.append(record.test_name)
        envelopes.input.append(record.input or None)
        envelopes.start.append(start)
        self.read += 1
        self._bytes += len(line)

    def __len__(self) -> int:
        return len(self._envelopes)

    @property
    def full(self) -> bool:
        """Whether it is time to take what was collected."""
        return len(self) >= MOST_HELD or self._bytes >= MOST_BYTES

    def take(self) -> pa.Table:
        """Give what was collected since, and begin anew."""
        envelopes, rows = self._envelopes, self._rows
        self._envelopes, self._rows, self._bytes = Envelopes(), Rows(), 0
        with no_collection():
            return table(envelopes, rows, self.run, self.lab)


@contextmanager
def no_collection() -> Iterator[None]:
    """Leave garbage alone for a moment.

    A measurement becomes hundreds of objects, none of which refers back; searching them for circles again and
    again takes a sixth of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _record(m: Measurement) -> Record:
    """Take over what another format's reader made."""
    return msgspec.convert(lenient.cleaned(encode(m)), Record)


def time(text: str) -> datetime | None:
    """Read a time of day in UTC, without saying so, as Arrow takes it fastest; None for none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is None else found.replace(tzinfo=None)


@lru_cache(maxsize=4096)
def asn(text: str) -> int:
    """Read ``AS123``; 0 for what is none."""
    digits = text.removeprefix("AS")
    return (
        int(digits)
        if digits.isascii() and digits.isdecimal() and len(digits) <= 10 and int(digits) <= plain.MAX_ASN
        else 0
    )
