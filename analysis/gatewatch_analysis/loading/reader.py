"""Runs and OONI files into tables: what was measured, every hop, and every line that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from gatewatch.records import Measurement, TraceKeys, decode, loads
from gatewatch_analysis.loading import formats, loci, plain
from gatewatch_analysis.loading.blocks import Piece, blocks
from gatewatch_analysis.loading.identity import number as number_of
from gatewatch_analysis.loading.lists import results
from gatewatch_analysis.loading.sources import Source, find
from gatewatch_analysis.loading.stores import NoDataset
from gatewatch_analysis.loading.wanted import ALL, Wanted
from gatewatch_analysis.tables import Contrasts, Hops, Loci, Measurements, Problems, Table
from gatewatch_targets.text import printable
from gatewatch_targets.url import UrlError, parse

__all__ = ["STATUSES", "Dataset", "NoDataset", "load"]

#: What a verdict can say.
STATUSES = ("ok", "blocked", "tampered", "down", "server_side", "inconclusive")

# Rows held as Python objects before they become typed columns, which take about a tenth of the room.
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Dataset:
    """What was loaded: tables as :mod:`gatewatch_analysis.tables` describes them, not to be changed.

    ``prefixes`` are the prefix tables that lie in the run folders.
    """

    measurements: pd.DataFrame
    hops: pd.DataFrame
    loci: pd.DataFrame
    contrasts: pd.DataFrame
    problems: pd.DataFrame
    prefixes: tuple[Path, ...] = ()


def load(
    paths: Iterable[str | Path], *, wanted: Wanted = ALL, storage: Mapping[str, Any] | None = None
) -> Dataset:
    """Load run folders, folders of them, files of lines, archives, and single measurements (``.json``).

    Paths may be patterns and URLs (see :mod:`gatewatch_analysis.loading.sources`); ``storage`` are fsspec's
    options for the latter.  Lines may also be results of RIPE Atlas or traces of scamper, which know no
    vantage.  A path may also be a dataset (:mod:`gatewatch_analysis.dataset`), of which only the countries
    and days that are ``wanted`` are opened.

    Reads line by line and keeps no bodies.  A line that cannot be read never stops a load: it becomes a row
    of ``problems``.  Raises :class:`NoDataset` for a path that is not there or is no dataset.
    """
    # Here, because datasets are made of what is loaded.
    from gatewatch_analysis.dataset.loaded import joined, loaded
    from gatewatch_analysis.dataset.reading import is_dataset

    given = list(paths)
    derived = [path for path in given if is_dataset(path, storage)]
    found = [loaded(path, wanted, storage) for path in derived]
    if derived and len(derived) == len(given):
        return joined(found)
    return joined([_load([path for path in given if path not in derived], wanted, storage), *found])


def _load(paths: Iterable[str | Path], wanted: Wanted, storage: Mapping[str, Any] | None) -> Dataset:
    loader = Loader(wanted)
    sources = find(paths, lambda file, line, reason: loader.problem(file, line, reason, kept=True), storage)
    for source in sources:
        for block in blocks(Piece(source), loader.problem):
            for number, line in block.lines():
                for result in results(line):
                    loader.line(source, block.file, number, result)
    prefixes = dict.fromkeys(s.prefixes for s in sources if s.prefixes is not None)
    return loader.dataset(tuple(prefixes))


class _Rows:
    """Collects rows into typed frames, a chunk at a time."""

    def __init__(self, table: type[Table]) -> None:
        self._table = table
        self._rows: list[Sequence[Any]] = []
        self._frames: list[pd.DataFrame] = []

    def add(self, *row: Any) -> None:
        self._rows.append(row)
        if len(self._rows) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._frames.append(self._table.frame(self._rows))
        self._rows = []

    def take(self) -> pd.DataFrame:
        found = self.frame()
        self._frames = []
        return found

    def frame(self) -> pd.DataFrame:
        if self._rows or not self._frames:
            self._flush()
        return pd.concat(self._frames, ignore_index=True)


class Loader:
    """Reads lines into tables, until they are asked for."""

    def __init__(self, wanted: Wanted = ALL) -> None:
        self._wanted = wanted
        self._measurements = _Rows(Measurements)
        self._hops = _Rows(Hops)
        self._loci = _Rows(Loci)
        self._contrasts = _Rows(Contrasts)
        self._problems = _Rows(Problems)
        self._traces = 0
        # For files without a run.json: the name each network bore last, since names change over the years.
        self._unnamed: set[str] = set()
        self._last_name: dict[int, tuple[datetime, str]] = {}

    def problem(self, file: str, line: int, reason: str, *, kept: bool = False) -> None:
        """Note what is wrong with a line."""
        self._problems.add(plain.clean(file), line, plain.clean(printable(reason)), kept)

    def line(self, source: Source, file: str, number: int, line: bytes) -> None:
        """Read a line of a source."""

        def report(reason: str, *, kept: bool) -> None:
            self.problem(file, number, reason, kept=kept)

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
        start = _time(m.measurement_start_time)
        if not self._wanted(m.probe_cc or "ZZ", start):
            return
        if start is None:
            report("$.measurement_start_time: no time", kept=True)
        asn = _asn(m.probe_asn)
        isp = plain.clean(source.isp or m.probe_network_name or f"AS{asn}")
        if source.isp is None:
            self._unnamed.add(source.run)
            if m.probe_network_name and (
                asn not in self._last_name or self._last_name[asn][0] <= _or_old(start)
            ):
                self._last_name[asn] = (_or_old(start), isp)
        vantage = (plain.clean(m.probe_cc or "ZZ"), isp, asn, source.lab)
        target = m.x_gatewatch_target or {}
        self._measurements.add(
            *vantage,
            plain.clean(source.run),
            plain.clean(m.test_name),
            plain.clean(m.input or ""),
            _host(m.input),
            plain.text(target.get("category")),
            start,
            plain.number(m.test_runtime),
            *self._verdict(m, report),
            which := number_of(m, line),
        )
        if m.test_name == "trace":
            self._trace(source, m, vantage, start, which, report)
        elif m.test_name == "locate":
            self._locate(source, m, vantage, start, which)
        elif m.test_name == "contrast":
            about = (*vantage, plain.clean(source.run), start, plain.clean(m.input or ""))
            for row in loci.contrasts(m):
                self._contrasts.add(*about, *row, which)

    def _verdict(self, m: Measurement, report: Any) -> tuple[Any, ...]:
        given: Mapping[str, Any] | None = m.x_gatewatch_verdict
        if given is None:
            from gatewatch.verdict import judge

            try:
                subject = formats.judgeable(m)
                if subject is None:
                    return (None,) * 6
                v = judge(subject)
            except Exception as error:  # ten years of others' data must not stop at one odd measurement
                report(f"no verdict: judging failed with {type(error).__name__}", kept=True)
                return (None,) * 6
            return v.status, v.layer, v.method, v.label, v.rule, v.confidence
        status = given.get("status")
        if status not in STATUSES:
            report("$.x_gatewatch_verdict.status: not a verdict", kept=True)
            return (None,) * 6
        layer, method, label, rule = (plain.text(given.get(k)) for k in ("layer", "method", "label", "rule"))
        return status, layer, method, label or status, rule, plain.number(given.get("confidence"))

    def _trace(
        self,
        source: Source,
        m: Measurement,
        vantage: tuple[Any, ...],
        start: datetime | None,
        which: int,
        report: Any,
    ) -> None:
        keys, odd = decode(TraceKeys, dict(m.test_keys.extra))
        replies: object = keys.replies
        if not isinstance(replies, tuple) or not keys.destination:
            report("trace without destination or replies" + (f" ({odd[0].path})" if odd else ""), kept=True)
            return
        run, destination, reached = plain.clean(source.run), plain.clean(keys.destination), bool(keys.reached)
        flow = _flow(keys)
        for reply in keys.replies:
            if reply.flow:
                continue  # another flow's way; a border is found on one
            ttl = plain.byte(reply.ttl)
            if ttl is None:
                report("a trace reply without a TTL", kept=True)
                continue
            self._hops.add(
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

    def _locate(
        self, source: Source, m: Measurement, vantage: tuple[Any, ...], start: datetime | None, which: int
    ) -> None:
        run = plain.clean(source.run)
        for row in loci.loci(m):
            self._loci.add(*vantage, run, start, plain.clean(m.input or ""), *row, which)
        for destination, flow, reached, hops in loci.paths(m):
            for hop in hops:
                about = (*vantage, run, self._traces, start, destination, flow)
                self._hops.add(*about, *hop, *(None,) * 6, reached, which)
            self._traces += 1

    def take(self) -> Dataset:
        """Give the rows since the last time, networks named as each measurement names them."""
        return Dataset(
            self._measurements.take(),
            self._hops.take(),
            self._loci.take(),
            self._contrasts.take(),
            self._problems.take(),
        )

    def dataset(self, prefixes: tuple[Path, ...]) -> Dataset:
        """Give all rows, networks named as the latest measurements name them."""
        names = {asn: name for asn, (_, name) in self._last_name.items() if asn}
        return Dataset(
            self._renamed(self._measurements.frame(), names),
            self._renamed(self._hops.frame(), names),
            self._renamed(self._loci.frame(), names),
            self._renamed(self._contrasts.frame(), names),
            self._problems.frame(),
            prefixes,
        )

    def _renamed(self, frame: pd.DataFrame, names: dict[int, str]) -> pd.DataFrame:
        unnamed = frame["run"].isin(list(self._unnamed)) & frame["asn"].isin(list(names))
        last = frame["asn"].map(names).astype("string")
        return frame.assign(isp=frame["isp"].where(~unnamed, last))


def _flow(keys: TraceKeys) -> str:
    """Name the flow; what is not told (Atlas tells no source port) is left out."""
    ports = (keys.source_port, keys.destination_port)
    return " ".join(
        [plain.clean(str(keys.protocol)), *("-" if port is None else str(port) for port in ports)]
    )


def _or_old(start: datetime | None) -> datetime:
    return start or datetime.min.replace(tzinfo=UTC)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC)
    except ValueError:
        return None


def _asn(text: str | None) -> int:
    digits = (text or "").removeprefix("AS")
    return int(digits) if digits.isdecimal() and len(digits) <= 10 and int(digits) <= plain.MAX_ASN else 0


def _host(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return parse(text).host
    except UrlError:
        pass
    try:
        # Other tests' inputs have other schemes (dns://, stun://).
        return plain.text(urlsplit(text).hostname)
    except ValueError:
        return None
