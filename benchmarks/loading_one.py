"""One process of the loading benchmark: makes lines, loads them, or compares both ways of reading them."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any


def main() -> None:
    """Do what the first argument says, and print it as JSON."""
    what, file, number, *rest = sys.argv[1:]
    if what == "make":
        make(Path(file), int(number), int(rest[0]))
    else:
        print(json.dumps({"load": loaded, "compare": compared}[what](file, int(number))))


def make(file: Path, count: int, seed: int) -> None:
    """Write so many lines."""
    from benchmarks.ooni_mix import lines

    with file.open("wb", buffering=2**20) as out:
        out.writelines(lines(count, seed))


def loaded(file: str, processes: int) -> dict[str, Any]:
    """Load a file by so many processes."""
    from gatewatch_analysis.loading import load

    with tempfile.TemporaryDirectory() as folder:
        # What is imported late, and tables that are read once, come before the clock starts.
        first = Path(folder) / "first.jsonl"
        make(first, 20, 0)
        load([first], processes=1)
    wall, cpu = time.perf_counter(), time.process_time()
    found = load([file], processes=processes)
    return {
        "rows": len(found.measurements),
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
    }


def compared(file: str, count: int) -> dict[str, Any]:
    """Read the first lines both ways, and say which of the ways each of them went."""
    from gatewatch_analysis.loading.blocks import Block
    from gatewatch_analysis.loading.loader import Loader
    from gatewatch_analysis.loading.measured.columns import Joined
    from gatewatch_analysis.loading.sources import Source
    from gatewatch_analysis.tables import Measurements

    with open(file, "rb") as stream:  # noqa: PTH123 (the name is what it was given)
        head = [line for _, line in zip(range(count), stream, strict=False)]
    source = Source(file, "x")
    tables = []
    for fast in (True, False):
        loader = Loader(fast=fast)
        for start in range(0, len(head), 100):
            loader.block(source, Block(file, start + 1, b"".join(head[start : start + 100])))
        joined = Joined()
        joined.add(loader.take().measurements)
        column = joined.columns(joined.names())
        tables.append([column(name).to_pylist() for name in Measurements.columns()])
    fast_rows, slow_rows = (list(zip(*columns, strict=True)) for columns in tables)
    labels = Counter(tables[0][list(Measurements.columns()).index("label")])
    differ = sum(a != b for a, b in zip(fast_rows, slow_rows, strict=False))
    return {
        "rows": len(slow_rows),
        "differ": differ + abs(len(fast_rows) - len(slow_rows)),
        "verdicts": ", ".join(f"{label} {n / len(head):.2%}" for label, n in labels.most_common(12)),
        "ways": ", ".join(f"{way} {n / len(head):.1%}" for way, n in ways(head).most_common()),
    }


def ways(head: list[bytes]) -> Counter[str]:
    """Count by which way lines are read."""
    import msgspec

    from gatewatch_analysis.loading.measured.quick import quick_ruling
    from gatewatch_analysis.loading.measured.shape import Record
    from gatewatch_analysis.loading.measured.single import single_ruling

    decode = msgspec.json.Decoder(Record).decode
    found: Counter[str] = Counter()
    for line in head:
        try:
            record = decode(line)
        except msgspec.MsgspecError:
            found["slow"] += 1
            continue
        if quick_ruling(record) is not None:
            found["quick"] += 1
        else:
            found["single" if single_ruling(record) is not None else "whole"] += 1
    return found


if __name__ == "__main__":
    main()
