"""observations: OONI measurements to the observations table, a second and a core, beside decoding them alone.

The peers read the very same lines in the same run and make no table: msgspec and json into dicts, every
field.  (oonidata 0.3.0, which only parses too, was seen to do 4,700 records of 8 KB a second.)  Memory is the
peak of a process that streams a file, and of one that streams a file four times as large.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.beside import beside
from benchmarks.ooni_mix import lines

GOAL, GOAL_MB = 12_000, 600
# A file of quick: two seconds of work.
QUICK, FULL = 20_000, 100_000
SEED = 6

_STREAM = """
import json, re, sys, time
from gatewatch_analysis.loading.observations import stream
rows = told = 0
def trouble(row):
    global told
    told += 1
for warm in stream([sys.argv[2]], trouble): pass
told = 0
began = time.process_time()
for table in stream([sys.argv[1]], trouble):
    rows += table.num_rows
spent = time.process_time() - began
# Not ru_maxrss: that is the parent's at first.
peak = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps({"rows": rows, "told": told, "spent": spent, "peak_mb": peak / 1024}))
"""
_DECODE = """
import json, sys, time
import msgspec
read = {"msgspec": msgspec.json.Decoder().decode, "json": json.loads}[sys.argv[2]]
with open(sys.argv[1], "rb") as stream:
    read(stream.readline())
    stream.seek(0)
    began = time.process_time()
    for line in stream:
        read(line)
    print(json.dumps({"spent": time.process_time() - began}))
"""


def run(quick: bool) -> dict[str, Any]:
    """Write the files and read them."""
    count = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="gatewatch-bench-") as folder:
        warm, file, large = Path(folder, "warm.jsonl"), Path(folder, "m.jsonl"), Path(folder, "large.jsonl")
        text = list(lines(count, SEED))
        size = sum(map(len, text))
        warm.write_bytes(b"".join(text[:200]))
        file.write_bytes(b"".join(text))
        broken = [line[: len(line) // 2] + b"\n" if n % 10 == 5 else line for n, line in enumerate(text)]
        spoilt = Path(folder, "spoilt.jsonl")
        spoilt.write_bytes(b"".join(broken))
        with large.open("wb") as out:
            for _ in range(4):
                out.writelines(text)
        del text, broken
        seen = _call(_STREAM, file, warm)
        again = _call(_STREAM, file, warm)
        much = _call(_STREAM, large, warm)
        damaged = _call(_STREAM, spoilt, warm)
        peers = {name: count / _call(_DECODE, file, name)["spent"] for name in ("msgspec", "json")}
    rates = sorted(count / found["spent"] for found in (seen, again))
    grown = much["peak_mb"] - seen["peak_mb"]
    return {
        "goals": [
            {
                "name": f"measurements of {size / count / 1000:.1f} KB to observations, a second and core",
                "value": round(rates[-1]),
                "goal": f">= {GOAL}",
                "met": rates[-1] >= GOAL,
                "beside": beside("json into dicts, no table, a second and core", rates[-1], peers["json"]),
            },
            {
                "name": f"peak memory of streaming {4 * count} measurements, MB",
                "value": round(much["peak_mb"], 1),
                "goal": f"< {GOAL_MB}, and within 10 % of that of {count}",
                "met": much["peak_mb"] < GOAL_MB and grown < 0.1 * seen["peak_mb"],
            },
            {
                "name": "lines told of, where one in ten is cut",
                "value": damaged["told"],
                "goal": f"= {count // 10}, and the rest loaded",
                "met": damaged["told"] == count // 10 and damaged["rows"] > 0.85 * seen["rows"],
            },
        ],
        "peer": {
            f"decoding into dicts, no table, a second and core: {name}": round(rate)
            for name, rate in peers.items()
        },
        "detail": {
            "rates of the two runs": [round(rate) for rate in rates],
            "rows a measurement": round(seen["rows"] / count, 1),
            "MB a second and core": round(rates[-1] * size / count / 1e6),
            "peak memory of the smaller file, MB": round(seen["peak_mb"], 1),
        },
    }


def _call(script: str, *words: Path | str) -> dict[str, Any]:
    made = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(made.stdout)
    return found
