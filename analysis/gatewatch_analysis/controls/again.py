"""Verdicts without a control, judged again with what other vantages saw, by the same table of rules.

Each witness's own record becomes a control, as a test helper would have written it, and the measurement is
judged with each by itself.  Its verdict changes where two witnesses or more give one that decides, and all
that decide give the same status: the least confident of those is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from msgspec import Struct
from msgspec.json import Decoder

from gatewatch.records import Measurement, loads
from gatewatch.records.control import Json
from gatewatch.verdict import Verdict, judge
from gatewatch_analysis.controls.seen import as_control
from gatewatch_analysis.controls.witnesses import LEAST, witnesses
from gatewatch_analysis.dataset.reading import is_dataset
from gatewatch_analysis.loading.blocks import Piece, blocks
from gatewatch_analysis.loading.identity import number as number_of
from gatewatch_analysis.loading.sources import find
from gatewatch_analysis.tables import Judged

_DECIDED = ("ok", "tampered", "server_side", "blocked", "down")


def judge_again(
    measurements: pd.DataFrame,
    paths: Iterable[str | Path],
    *,
    storage: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Give the measurements with verdicts that other vantages' results make possible (table ``Judged``).

    ``paths`` are those that the measurements were loaded from: the records of the few that are concerned are
    read again, in two passes, and no more of the others than tells them apart.  Of those that came out of a
    dataset of tables nothing can be read again, and nothing changes.
    """
    of = witnesses(measurements)
    kept = measurements.assign(control_from=pd.Series(pd.NA, index=measurements.index, dtype="string"))
    if of.empty:
        return Judged.typed(kept)
    # A dataset of tables keeps no records.
    sources = [path for path in paths if not is_dataset(path, storage)]
    controls = {
        n: control for n, m in _read(sources, set(of["witness"]), storage) if (control := as_control(m))
    }
    asked: dict[int, list[Any]] = {}
    for number, row in zip(of["measurement"].tolist(), of.itertuples(index=False), strict=True):
        if row.witness in controls:
            asked.setdefault(number, []).append(row)
    found = {
        n: verdict
        for n, m in _read(sources, set(asked), storage)
        if (verdict := _verdict(m, asked[n], controls)) is not None
    }
    if not found:
        return Judged.typed(kept)
    rows = kept["measurement"].map(found)
    changed = rows.notna()
    columns = ("status", "layer", "method", "label", "rule", "confidence", "control_from")
    values = pd.DataFrame(rows[changed].tolist(), columns=list(columns), index=rows.index[changed])
    for name in columns:
        kept.loc[changed, name] = values[name].astype(kept[name].dtype)
    return Judged.typed(kept)


def _verdict(m: Measurement, rows: list[Any], controls: Mapping[int, Json]) -> tuple[Any, ...] | None:
    """Give the verdict's columns and who vouches for it; None where the witnesses do not agree."""
    judged = [(row, judge(with_control(m, controls[row.witness]))) for row in rows]
    deciding = [(row, verdict) for row, verdict in judged if verdict.status in _DECIDED]
    if len(deciding) < LEAST or len({verdict.status for _, verdict in deciding}) > 1:
        return None
    # Nobody is called blocked by somebody who did not get there either.
    if deciding[0][1].status == "blocked" and any(row.says != "up" for row, _ in deciding):
        return None
    verdict: Verdict = min((v for _, v in deciding), key=lambda v: (v.confidence, v.label))
    vouch = ", ".join(f"{row.country} AS{row.asn} {row.hours:+.0f} h" for row, _ in deciding)
    return (
        *(verdict.status, verdict.layer, verdict.method, verdict.label, verdict.rule, verdict.confidence),
        vouch,
    )


def with_control(m: Measurement, control: Json) -> Measurement:
    """Give the measurement as if a helper had answered so."""
    extra = {**m.test_keys.extra, "control": control, "control_failure": None}
    return replace(m, test_keys=replace(m.test_keys, extra=extra))


class _Identity(Struct, gc=False):
    """As much of a line as tells which measurement it is."""

    software_name: str | None = None
    id: str | None = None
    report_id: str | None = None
    measurement_uid: str | None = None
    test_name: str | None = None
    input: str | None = None
    measurement_start_time: str | None = None


_IDENTITY: Decoder[Any] = Decoder(_Identity)


def _read(
    paths: list[str | Path], wanted: set[int], storage: Mapping[str, Any] | None
) -> Iterator[tuple[int, Measurement]]:
    """Read the measurements of these numbers, each once; what cannot be read was told when it was loaded."""

    def quiet(*_: Any, **__: Any) -> None:
        return None

    left = set(wanted)
    for source in find(paths, quiet, storage):
        for block in blocks(Piece(source), quiet):
            for _, line in block.lines():
                if not left:
                    return
                try:
                    number = number_of(_IDENTITY.decode(line), line)
                    if number in left:
                        m, _problems = loads(line)
                        left.discard(number)
                        yield number, m
                except (ValueError, TypeError, RecursionError):
                    continue
