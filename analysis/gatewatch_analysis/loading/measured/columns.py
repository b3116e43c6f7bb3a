"""Rows of the table of measurements, gathered by column: what many rows share is kept once, and numbered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatewatch.verdict.rule import Rule
from gatewatch_analysis.loading import plain
from gatewatch_analysis.loading.measured.arrays import NEVER, texts, times
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.tables import Measurements
from gatewatch_analysis.tables.arrow import schema

T = TypeVar("T", bound=Hashable)

# Rows held as Python objects, at some 600 bytes each, before they become arrays of a tenth of that.
CHUNK = 16_384
_TIME = pa.timestamp("us", tz="UTC")
# As pandas has it, so that it takes these columns as they are.
_TEXT = pa.large_string()


class Vantage(NamedTuple):
    """Where it was measured, as rows have it.

    ``named``: the network's name is what the measurement calls it, which changes over the years; ``own``: and
    it does call it something.
    """

    country: str
    isp: str
    asn: int
    lab: bool
    run: str
    named: bool
    own: bool


def vantage_of(source: Source, country: str | None, asn: str | None, name: str | None) -> Vantage:
    """Give a vantage by what a measurement says of it."""
    number = plain.asn(asn)
    return Vantage(
        plain.clean(country or "ZZ"),
        plain.clean(source.isp or name or f"AS{number}"),
        number,
        source.lab,
        plain.clean(source.run),
        source.isp is None,
        bool(name),
    )


class Said(NamedTuple):
    """A verdict, as rows have it."""

    status: str | None = None
    layer: str | None = None
    method: str | None = None
    label: str | None = None
    rule: str | None = None
    confidence: float | None = None


#: For what nobody judges.
UNSAID = Said()


def said(rule: Rule) -> Said:
    """Give the verdict of a rule."""
    layer, _, method = rule.method.partition(".")
    return Said(rule.status, layer or None, method or None, rule.label, rule.id, rule.confidence)


class Numbered(Generic[T]):
    """Values, each with a number from 0 in the order of their first appearance."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def __call__(self, value: T) -> int:
        """Give a value's number."""
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found

    def clear(self) -> None:
        """Begin anew."""
        self.values = []
        self._numbers = {}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some thousand rows; numbers stand for what :class:`Rows` keeps."""

    vantages: NDArray[np.int32]
    tests: NDArray[np.int32]
    inputs: pa.Array
    hosts: pa.Array
    categories: NDArray[np.int32]
    starts: NDArray[np.int64]
    runtimes: NDArray[np.float64]
    verdicts: NDArray[np.int32]
    numbers: NDArray[np.int64]


@dataclass(slots=True)
class Rows:
    """Finished rows; can be sent to another process."""

    vantages: list[Vantage] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    categories: list[str | None] = field(default_factory=list)
    verdicts: list[Said] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)


#: Numbers of vantage and test, input, host, number of the category, start (UTC without saying so), runtime in
#: seconds, number of the verdict, digest.
Cells = tuple[int, int, str, str | None, int, datetime | None, float | None, int, bytes]


class Gathering:
    """Rows as they are read.

    A reader appends to ``rows``, or calls :meth:`add`, and then :meth:`settle`.
    """

    def __init__(self) -> None:
        self.vantage: Numbered[Vantage] = Numbered()
        self.test: Numbered[str] = Numbered()
        self.category: Numbered[str | None] = Numbered()
        self.verdict: Numbered[Said] = Numbered()
        self._chunks: list[Chunk] = []
        #: Changes when rows are taken: numbers are given anew from then on.
        self.generation = 0
        self.rows: list[Cells] = []

    def add(
        self,
        vantage: Vantage,
        test: str,
        about: str,
        host: str | None,
        category: str | None,
        start: datetime | None,
        runtime: float | None,
        verdict: Said,
        digest: bytes,
    ) -> None:
        """Add a row; ``start`` is UTC without saying so."""
        numbers = self.vantage(vantage), self.test(test), self.category(category), self.verdict(verdict)
        at, what, kind, said = numbers
        self.rows.append((at, what, about, host, kind, start, runtime, said, digest))

    def settle(self, least: int = CHUNK) -> None:
        """Turn what was read into arrays, if there is enough of it."""
        if len(self.rows) < max(least, 1):
            return
        vantages, tests, inputs, hosts, categories, starts, runtimes, verdicts, digests = zip(
            *self.rows, strict=True
        )
        self._chunks.append(
            Chunk(
                np.array(vantages, np.int32),
                np.array(tests, np.int32),
                texts(inputs),
                texts(hosts),
                np.array(categories, np.int32),
                times(starts),
                np.array(runtimes, np.float64),  # None becomes NaN
                np.array(verdicts, np.int32),
                np.frombuffer(b"".join(digests), ">i8").astype(np.int64),
            )
        )
        self.rows.clear()

    def take(self) -> Rows:
        """Give all rows since, and begin anew."""
        self.settle(1)
        rows = Rows(
            self.vantage.values, self.test.values, self.category.values, self.verdict.values, self._chunks
        )
        for numbered in (self.vantage, self.test, self.category, self.verdict):
            numbered.clear()
        self._chunks = []
        self.generation += 1
        return rows


class Joined:
    """Rows of many pieces, in order, as one Arrow table."""

    def __init__(self) -> None:
        self._vantage: Numbered[Vantage] = Numbered()
        self._test: Numbered[str] = Numbered()
        self._category: Numbered[str | None] = Numbered()
        self._verdict: Numbered[Said] = Numbered()
        self._chunks: list[Chunk] = []

    def add(self, rows: Rows) -> None:
        """Add the rows of a piece."""

        def renumbered(numbered: Numbered[Any], values: Iterable[Any]) -> NDArray[np.int32]:
            return np.array([numbered(value) for value in values], np.int32)

        vantages = renumbered(self._vantage, rows.vantages)
        tests = renumbered(self._test, rows.tests)
        categories = renumbered(self._category, rows.categories)
        verdicts = renumbered(self._verdict, rows.verdicts)
        self._chunks += [
            Chunk(
                vantages[c.vantages],
                tests[c.tests],
                c.inputs,
                c.hosts,
                categories[c.categories],
                c.starts,
                c.runtimes,
                verdicts[c.verdicts],
                c.numbers,
            )
            for c in rows.chunks
        ]

    def names(self) -> dict[int, str]:
        """Give the name that each network bore last, by what measurements call it."""
        vantages, starts = self._codes("vantages"), self._join("starts", np.int64)
        known = self._vantage.values
        own = np.array([v.named and v.own and v.asn != 0 for v in known], bool)
        if not own.any():
            return {}
        latest = np.full(len(known), NEVER, np.int64)
        np.maximum.at(latest, vantages, starts)
        at = np.flatnonzero(own[vantages] & (starts == latest[vantages]))
        last = np.full(len(known), -1, np.int64)
        last[vantages[at]] = at  # the last one of several stays
        found: dict[int, tuple[int, int, str]] = {}
        for code in np.flatnonzero(own & (last >= 0)):
            v = known[code]
            found[v.asn] = max(found.get(v.asn, (NEVER, -1, "")), (int(latest[code]), int(last[code]), v.isp))
        return {asn: name for asn, (_, _, name) in found.items()}

    def unnamed(self) -> frozenset[str]:
        """Give the runs of which nobody says what their network is called."""
        return frozenset(v.run for v in self._vantage.values if v.named)

    def columns(self, names: dict[int, str] | None = None) -> Callable[[str], pa.ChunkedArray]:
        """Give a function that makes each column, by its name; networks are renamed by ``names``.

        One at a time, and all of them at the end of a large load need not be there at once.
        """
        unnamed, names = self.unnamed(), names or {}
        vantages = [
            v._replace(isp=names[v.asn]) if v.run in unnamed and v.asn in names else v
            for v in self._vantage.values
        ]
        kinds = schema(Measurements)

        def make(name: str) -> pa.ChunkedArray:
            kind = kinds.field(name).type
            if name in Vantage._fields:
                return self._looked_up("vantages", [getattr(v, name) for v in vantages], kind)
            if name in Said._fields:
                return self._looked_up("verdicts", [getattr(v, name) for v in self._verdict.values], kind)
            if name == "test_name":
                return self._looked_up("tests", self._test.values, kind)
            if name == "category":
                return self._looked_up("categories", self._category.values, kind)
            arrays = {
                "input": lambda c: c.inputs,
                "host": lambda c: c.hosts,
                "start": lambda c: _times(c.starts),
                "runtime_s": lambda c: _finite(c.runtimes),
                "measurement": lambda c: pa.array(c.numbers),
            }
            own = _TEXT if kind == pa.string() else kind
            return pa.chunked_array([arrays[name](c) for c in self._chunks], own)

        return make

    def _looked_up(self, codes: str, values: list[Any], kind: pa.DataType) -> pa.ChunkedArray:
        words = pa.array(values, kind)
        return pa.chunked_array([words.take(pa.array(getattr(c, codes))) for c in self._chunks], kind)

    def _codes(self, name: str) -> NDArray[np.int32]:
        return self._join(name, np.int32)

    def _join(self, name: str, kind: Any) -> NDArray[Any]:
        return np.concatenate([np.zeros(0, kind), *(getattr(c, name) for c in self._chunks)])


def _times(starts: NDArray[np.int64]) -> pa.Array:
    return pa.array(starts, mask=starts == NEVER).cast(_TIME)


def _finite(runtimes: NDArray[np.float64]) -> pa.Array:
    return pa.array(runtimes, mask=~np.isfinite(runtimes))
