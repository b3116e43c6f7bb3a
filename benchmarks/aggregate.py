"""aggregate: five million rows counted by country, network, domain and day, beside pandas, polars and duckdb.

From a Parquet file to a finished pandas frame: rows and anomalies of each group, for few, many and very many
groups.  The rows are synthetic: 20 countries, 360 networks, 2,000 domains of uneven fame, 30 days.  Each peer
is asked in two ways, and its faster one counts.  Everybody has a process of its own for each size, with its
imports up front; the rounds alternate between them, the best round counts, and so does the process's peak
memory.  Results are compared by a sum of hashes of their rows.  A peer that is not installed is left out and
said so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.beside import beside

#: Keys of few, many and very many groups.
SIZES = {
    "few": ("cc", "asn", "day"),
    "many": ("cc", "domain", "day"),
    "very many": ("cc", "asn", "domain", "day"),
}
GOAL_RATIO, GOAL_BYTES = 1.2, 1.2e9
WAYS = (
    "ours",
    "pandas text",
    "pandas categories",
    "polars text",
    "polars categories",
    "duckdb frame",
    "duckdb arrow",
)


def write(file: str | Path, rows: int) -> None:
    """Write the rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)

    def uneven(kinds: int, power: float) -> Any:
        weight = 1 / np.arange(1, kinds + 1) ** power
        return rng.choice(kinds, rows, p=weight / weight.sum()).astype(np.int32)

    network, domain = uneven(360, 0.3), uneven(2000, 0.6)
    country = rng.permutation(np.repeat(np.arange(20), 18))[network].astype(np.int32)
    numbers = np.sort(rng.choice(400_000, 360, replace=False))

    def text(codes: Any, values: list[str]) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values)).cast(pa.string())

    table = pa.table(
        {
            "cc": text(country, [f"{chr(65 + i)}{chr(90 - i)}" for i in range(20)]),
            "asn": pa.array(numbers[network]),
            "domain": text(domain, [f"www.site-number-{i}.example-{i % 7}.com" for i in range(2000)]),
            "day": pa.array((19_700 + rng.integers(0, 30, rows)).astype(np.int32)).cast(pa.date32()),
            "anomaly": pa.array(rng.random(rows) < 0.07),
            # What nobody asks for must not be read.
            "confidence": pa.array(rng.random(rows)),
        }
    )
    pq.write_table(table, file, compression="zstd", row_group_size=250_000)


class Worker:
    """One way of counting one size, in a process that waits to be asked."""

    def __init__(self, way: str, file: Path, keys: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.aggregate_one", way, str(file), *keys],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        #: Why it cannot be asked; empty if it can.
        self.missing = self._read().get("missing", "")

    def ask(self, word: str) -> dict[str, Any]:
        """Let it count once (``time``), or tell what it found and used (``result``)."""
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"benchmarks.aggregate_one ended: {self._process.wait()}")
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def run(quick: bool) -> dict[str, Any]:
    """Measure; gives goals, peers and detail."""
    rows, rounds = (1_500_000, 2) if quick else (5_000_000, 7)
    goals: list[dict[str, Any]] = []
    peer: dict[str, Any] = {}
    detail: dict[str, Any] = {"rows": f"{rows:,}", "rounds": rounds}
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        file = Path(folder, "rows.parquet")
        # In a process of its own: what is started from here would inherit its peak of memory.
        made = [sys.executable, "-c", f"from benchmarks.aggregate import write; write({str(file)!r}, {rows})"]
        subprocess.run(made, check=True)
        detail["file"] = f"{file.stat().st_size / 1e6:.0f} MB"
        for name, keys in SIZES.items():
            seen = _one_size(file, keys, rounds, detail)
            ours = seen.pop("ours")
            best = min(seen.values(), key=lambda found: float(found["seconds"]))
            ratio = ours["seconds"] / best["seconds"]
            goals.append(
                {
                    "name": f"{name} ({ours['groups']:,} groups): time over the best, {best['way']}",
                    "value": f"{ratio:.2f}",
                    "goal": f"at most {GOAL_RATIO}",
                    "met": ratio <= GOAL_RATIO,
                    "beside": beside(
                        f"{best['way']}, s",
                        ours["seconds"],
                        best["seconds"],
                        rounds=list(zip(ours["each"], best["each"], strict=True)),
                    )
                    | {"ratio": ratio},
                }
            )
            goals.append(
                {
                    "name": f"{name}: peak resident memory, bytes",
                    "value": f"{ours['bytes']:.2e}",
                    "goal": f"at most {GOAL_BYTES:.1e}",
                    "met": ours["bytes"] <= GOAL_BYTES,
                }
            )
            same = {(found["groups"], found["hash"]) for found in (ours, *seen.values())}
            goals.append(
                {
                    "name": f"{name}: different results among all ways",
                    "value": len(same) - 1,
                    "goal": "0",
                    "met": len(same) == 1,
                }
            )
            peer[name] = [
                f"{found['way']:<18} {found['seconds']:.3f} s, {found['bytes'] / 1e6:,.0f} MB"
                for found in (ours, *seen.values())
            ]
    return {"goals": goals, "peer": peer, "detail": detail}


def _one_size(file: Path, keys: tuple[str, ...], rounds: int, detail: dict[str, Any]) -> dict[str, Any]:
    workers = {way: Worker(way, file, keys) for way in WAYS}
    for way, worker in list(workers.items()):
        if worker.missing:
            detail[way] = f"left out: {worker.missing}"
            workers.pop(way).close()
    each: dict[str, list[float]] = {way: [] for way in workers}
    order = list(workers)
    for _ in range(rounds):
        for way in order:
            each[way].append(workers[way].ask("time")["seconds"])
        # Nobody always comes after the same neighbour.
        order = order[1:] + order[:1]
    found = {
        way: {"way": way, "each": each[way], "seconds": min(each[way]), **workers[way].ask("result")}
        for way in workers
    }
    for worker in workers.values():
        worker.close()
    return found
