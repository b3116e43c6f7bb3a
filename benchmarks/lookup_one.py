"""One of the rivals of the benchmark ``lookup``, in a process of its own: ``WHO FOLDER``; prints JSON."""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Answers compared between the rivals.
_COMPARED = 20_000
_SINGLE = 200_000


def resident() -> int:
    """Give resident memory in bytes (Linux, proc(5))."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def _best(work: Callable[[], object], items: int, rounds: int = 5) -> float:
    """Give items a second in the best of several rounds: others on this machine only ever slow it down."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return items / best


def _ours(folder: Path, asked: list[str], before: Callable[[], int]) -> dict[str, Any]:
    from gatewatch.whereabouts import PrefixTable

    start = before()
    began = time.perf_counter()
    table = PrefixTable.load(folder / "ours.table")
    load = time.perf_counter() - began
    some = asked[:_SINGLE]
    answers = [p.asn if (p := table.lookup(a)) else 0 for a in asked[:_COMPARED]]
    row = table.row
    found: dict[str, Any] = {
        "load": load,
        "answers": answers,
        "row": _best(lambda: [row(a) for a in some], len(some), 3),
        "single": _best(lambda: [None for a in some if table.lookup(a) is None], len(some), 3),
    }
    gc.collect()
    return {**found, "memory": resident() - start}


def _columns(folder: Path, asked: list[str], before: Callable[[], int]) -> dict[str, Any]:
    import numpy as np

    from gatewatch.whereabouts import PrefixTable
    from gatewatch.whereabouts.columns import Columns

    numbers = np.array([int.from_bytes(bytes(map(int, a.split("."))), "big") for a in asked], np.uint32)
    rng = np.random.default_rng(3)
    high = rng.integers(0x2000 << 48, 0x4000 << 48, len(asked), dtype=np.uint64)
    low = rng.integers(0, 1 << 63, len(asked), dtype=np.uint64)
    start = before()
    columns = Columns(PrefixTable.load(folder / "ours.table"))
    memory = resident() - start
    return {
        "memory": memory,
        "integers": _best(lambda: columns.asns[columns.integers(numbers)], len(numbers)),
        "texts": _best(lambda: columns.asns[columns.texts(asked)], len(asked)),
        "six": _best(lambda: columns.asns[columns.integers6(high, low)], len(asked), 3),
    }


def _pyasn(folder: Path, asked: list[str], before: Callable[[], int]) -> dict[str, Any]:
    pyasn = importlib.import_module("pyasn")
    start = before()
    table = pyasn.pyasn(str(folder / "pyasn.dat"))
    answers = [table.lookup(a)[0] or 0 for a in asked[:_COMPARED]]
    some, look = asked[:_SINGLE], table.lookup
    single = _best(lambda: [look(a) for a in some], len(some), 3)
    gc.collect()
    return {"answers": answers, "single": single, "memory": resident() - start}


def _maxminddb(folder: Path, asked: list[str], before: Callable[[], int]) -> dict[str, Any]:
    maxminddb = importlib.import_module("maxminddb")
    importlib.import_module("maxminddb.extension")
    start = before()
    # With its extension in C, the file mapped: its fastest way.
    table = maxminddb.open_database(str(folder / "peer.mmdb"), maxminddb.MODE_MMAP_EXT)
    answers = [(table.get(a) or {}).get("asn", 0) for a in asked[:_COMPARED]]
    some, look = asked[:_SINGLE], table.get
    single = _best(lambda: [look(a) for a in some], len(some), 3)
    gc.collect()
    return {"answers": answers, "single": single, "memory": resident() - start}


_RIVALS = {"ours": _ours, "columns": _columns, "pyasn": _pyasn, "maxminddb": _maxminddb}


def main() -> None:
    """Measure one rival."""
    who, folder = sys.argv[1], Path(sys.argv[2])
    asked = (folder / "asked.txt").read_text(encoding="ascii").split("\n")

    def before() -> int:
        gc.collect()
        return resident()

    try:
        found = _RIVALS[who](folder, asked, before)
    except ImportError as error:
        found = {"missing": f"not measured: {error}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
