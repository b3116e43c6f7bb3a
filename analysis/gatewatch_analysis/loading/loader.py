"""Lines into tables: most by the fast way, the others one record at a time, with all that can be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from gatewatch.records import Measurement, TraceKeys, decode, loads
from gatewatch_analysis.loading import formats, loci, plain
from gatewatch_analysis.loading.blocks import Block
from gatewatch_analysis.loading.identity import digest
from gatewatch_analysis.loading.lists import results
from gatewatch_analysis.loading.measured.columns import UNSAID, Gathering, Rows, Said, vantage_of
from gatewatch_analysis.loading.measured.fast import Fast, given_verdict
from gatewatch_analysis.loading.sources import Source
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables import Contrasts, Hops, Loci, Problems, Table
from gatewatch_analysis.tables.arrow import plain_column, schema
from gatewatch_targets.text import printable

# Rows held as Python objects before they become typed columns, which take about a tenth of the room.
_CHUNK = 10_000
#: The tables beside that of measurements, and that of what could not be read.
OTHERS: Mapping[str, type[Table]] = {"hops": Hops, "loci": Loci, "contrasts": Contrasts, "problems": Problems}


@dataclass(slots=True)
class Loaded:
    """What was read, as it can be sent to another process.

    ``others``: rows of :data:`OTHERS`, by name.  ``traces``: how many there were, since hops number them.
    """

    measurements: Rows
    others: dict[str, pa.Table]
    traces: int = 0


class _Typed:
    """Collects the rows of a table, a chunk at a time."""

    def __init__(self, table: type[Table]) -> None:
        self._kinds = [column.dtype for column in table.columns().values()]
        self._schema = schema(table)
        self._rows: list[Sequence[Any]] = []
        self._chunks: list[pa.Table] = []

    def add(self, *row: Any) -> None:
        self._rows.append(row)
        if len(self._rows) >= _CHUNK:
            self._settle()

    def _settle(self) -> None:
        values = zip(*self._rows, strict=True)
        columns = [plain_column(kind, cells) for kind, cells in zip(self._kinds, values, strict=True)]
        self._chunks.append(pa.table(columns, schema=self._schema))
        self._rows = []

    def take(self) -> pa.Table:
        if self._rows:
            self._settle()
        found, self._chunks = self._chunks, []
        # Schema.empty_table would import pandas.
        return pa.concat_tables([pa.Table.from_batches([], self._schema), *found])


@dataclass(slots=True)
class _Rest:
    hops: _Typed = field(default_factory=lambda: _Typed(Hops))
    loci: _Typed = field(default_factory=lambda: _Typed(Loci))
    contrasts: _Typed = field(default_factory=lambda: _Typed(Contrasts))
    problems: _Typed = field(default_factory=lambda: _Typed(Problems))


class Loader:
    """Reads lines of sources into tables, until they are asked for.

    ``aside`` is given each line that could not be read at all.  ``fast`` is there for tests and benchmarks:
    both ways give the same rows.
    """

    def __init__(
        self,
        wanted: Wanted = ALL,
        *,
        aside: Callable[[bytes], object] | None = None,
        fast: bool = True,
    ) -> None:
        self._wanted = wanted
        self._aside = aside
        self._may_be_fast = fast
        self._measurements = Gathering()
        self._rest = _Rest()
        self._traces = 0
        self._reader: tuple[Source, Fast] | None = None
        #: How many lines went the slow way.
        self.slow = 0

    def problem(self, file: str, line: int, reason: str, *, kept: bool = False) -> None:
        """Note what is wrong with a line."""
        self._rest.problems.add(plain.clean(file), line, plain.clean(printable(reason)), kept)

    def block(self, source: Source, block: Block) -> None:
        """Read a block of a source."""

        def slowly(number: int, line: bytes) -> None:
            found = results(line)
            for result in found:
                if len(found) == 1:
                    self._slowly(source, block.file, number, result)
                else:
                    self.line(source, block.file, number, result)

        if self._may_be_fast:
            self._fast(source).block(block, slowly)
        else:
            for number, line in block.lines():
                slowly(number, line)
            self._measurements.settle()

    def line(self, source: Source, file: str, number: int, line: bytes) -> None:
        """Read a line of a source."""
        if not (self._may_be_fast and self._fast(source).line(line)):
            self._slowly(source, file, number, line)
        self._measurements.settle()

    def take(self) -> Loaded:
        """Give the rows since the last time, networks named as each measurement names them."""
        rest = self._rest
        others = {name: getattr(rest, name).take() for name in OTHERS}
        return Loaded(self._measurements.take(), others, self._traces)

    def _fast(self, source: Source) -> Fast:
        if self._reader is None or self._reader[0] is not source:
            self._reader = source, Fast(self._measurements, source, self._wanted)
        return self._reader[1]

    def _slowly(self, source: Source, file: str, number: int, line: bytes) -> None:
        """Read a line as a record; what cannot be read is told, and put aside."""
        self.slow += 1

        def report(reason: str, *, kept: bool) -> None:
            self.problem(file, number, reason, kept=kept)
            if not kept and self._aside is not None:
                self._aside(line)

        try:
            m, odd = loads(line)
        except RecursionError:
            report("not JSON that can be read: nested too deeply", kept=False)
            return
        except (ValueError, TypeError) as error:
            report(f"not a measurement: {error}", kept=False)
            return
        if not m.test_name and formats.known(m.extra):
            try:
                imported = formats.read(m.extra)
            except ValueError as error:
                report(f"not a measurement: {error}", kept=False)
                return
            if imported is None:
                return
            m, odd = imported, ()
        # Typed as never None, but what was read may lack it or hold something else.
        keys: object = m.test_keys
        if keys is None or not m.test_name:
            report("not a measurement: it has no test_name or no test_keys", kept=False)
            return
        for problem in odd:
            # What is odd within test_keys is the verdict's business; keys missing there are ordinary.
            if problem.message != "missing" and not problem.path.startswith("$.test_keys."):
                report(f"{problem.path}: {problem.message}", kept=True)
        start = plain.time(m.measurement_start_time)
        if not self._wanted(m.probe_cc or "ZZ", start):
            return
        if start is None:
            report("$.measurement_start_time: no time", kept=True)
        self._add(source, m, start, line, report)

    def _add(
        self, source: Source, m: Measurement, start: datetime | None, line: bytes, report: Callable[..., None]
    ) -> None:
        where = vantage_of(source, m.probe_cc, m.probe_asn, m.probe_network_name)
        target = m.x_gatewatch_target or {}
        about = plain.clean(m.input or "")
        mark = digest(m, line)
        self._measurements.add(
            where,
            plain.clean(m.test_name or ""),
            about,
            plain.host(m.input),
            plain.text(target.get("category")),
            None if start is None else start.replace(tzinfo=None),
            plain.number(m.test_runtime),
            _verdict(m, report),
            mark,
        )
        which = int.from_bytes(mark, "big", signed=True)
        vantage = where[:4]
        if m.test_name == "trace":
            self._trace(where.run, m, vantage, start, which, report)
        elif m.test_name == "locate":
            for row in loci.loci(m):
                self._rest.loci.add(*vantage, where.run, start, about, *row, which)
            for destination, flow, reached, hops in loci.paths(m):
                for hop in hops:
                    more = (*vantage, where.run, self._traces, start, destination, flow)
                    self._rest.hops.add(*more, *hop, *(None,) * 6, reached, which)
                self._traces += 1
        elif m.test_name == "contrast":
            for row in loci.contrasts(m):
                self._rest.contrasts.add(*vantage, where.run, start, about, *row, which)

    def _trace(
        self,
        run: str,
        m: Measurement,
        vantage: tuple[Any, ...],
        start: datetime | None,
        which: int,
        report: Callable[..., None],
    ) -> None:
        keys, odd = decode(TraceKeys, dict(m.test_keys.extra))
        replies: object = keys.replies
        if not isinstance(replies, tuple) or not keys.destination:
            if keys.failure and isinstance(keys.failure, str):
                return  # it says why it has none: a name without an address has no way to it
            report("trace without destination or replies" + (f" ({odd[0].path})" if odd else ""), kept=True)
            return
        destination, flow, reached = plain.clean(keys.destination), _flow(keys), bool(keys.reached)
        for reply in keys.replies:
            if reply.flow:
                continue  # another flow's way; a border is found on one
            ttl = plain.byte(reply.ttl)
            if ttl is None:
                report("a trace reply without a TTL", kept=True)
                continue
            self._rest.hops.add(
                *vantage,
                run,
                self._traces,
                start,
                destination,
                flow,
                ttl,
                plain.text(reply.address),
                plain.number(reply.rtt),
                plain.byte(reply.icmp_type),
                plain.byte(reply.icmp_code),
                plain.byte(reply.reply_ttl),
                plain.byte(reply.quoted_ttl),
                ",".join(str(entry.label) for entry in reply.labels) or None,
                plain.text(reply.name),
                reached,
                which,
            )
        self._traces += 1


def _verdict(m: Measurement, report: Callable[..., None]) -> Said:
    given: Mapping[str, Any] | None = m.x_gatewatch_verdict
    if given is None:
        from gatewatch.verdict import judge

        try:
            subject = formats.judgeable(m)
            if subject is None:
                return UNSAID
            v = judge(subject)
        except Exception as error:  # ten years of others' data must not stop at one odd measurement
            report(f"no verdict: judging failed with {type(error).__name__}", kept=True)
            return UNSAID
        return Said(v.status, v.layer, v.method, v.label, v.rule, v.confidence)
    verdict = given_verdict(dict(given))
    if verdict is None:
        report("$.x_gatewatch_verdict.status: not a verdict", kept=True)
        return UNSAID
    return verdict


def _flow(keys: TraceKeys) -> str:
    """Name the flow; what is not told (Atlas tells no source port) is left out."""
    ports = (keys.source_port, keys.destination_port)
    return " ".join(
        [plain.clean(str(keys.protocol)), *("-" if port is None else str(port) for port in ports)]
    )
