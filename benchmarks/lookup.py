"""lookup: whose an address is, single and by the million, beside pyasn and maxminddb on the same addresses.

The table is synthetic, of a full table's size (1.2 million IPv4 ranges, 200,000 IPv6), nested as prefixes
are.  pyasn reads the same prefixes.  maxminddb reads a file that :mod:`benchmarks.lookup_mmdb` writes of them
(IPv4 only), as no data base of anybody's is shipped here; a peer that is not installed is left out and said
so.  Each is measured in a process of its own, so that its memory is its own: resident memory after the
look-ups less that of the interpreter with the questions (and numpy where ours is asked for columns).
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.beside import beside

#: Look-ups a second (reference: the project's own measurements of 2024), bytes and seconds.
GOAL_INTEGERS, GOAL_TEXT, GOAL_MEMORY, GOAL_SINGLE = 8e6, 2.5e6, 50e6, 5e-6
_COUNTRIES = ("KH", "TH", "MY", "NP", "SG", "HK", "CN", "US", "VN", "IN")


def prefixes(four: int, six: int, seed: int) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Make nested prefixes (number, length, row) that flatten to about so many ranges.

    Lengths are shared out as in the global table: most /24 (IPv4) and /48 (IPv6), some blocks around them.
    """
    rng = random.Random(seed)
    made4: dict[tuple[int, int], int] = {}
    lengths = rng.choices((24, 23, 22, 21, 20, 19, 18, 16, 14), (60, 7, 10, 5, 5, 4, 3, 5, 1), k=2 * four)
    for length in lengths:
        if len(made4) >= four * 0.62:
            break
        number = rng.randrange(0x01000000, 0xDF000000) >> (32 - length) << (32 - length)
        made4[number, length] = rng.randrange(80_000)
    made6: dict[tuple[int, int], int] = {}
    for length in rng.choices((48, 44, 40, 36, 32, 29), (50, 10, 10, 5, 20, 5), k=2 * six):
        if len(made6) >= six * 0.55:
            break
        top = 0x2000 << 112 | rng.getrandbits(125)
        made6[top >> (128 - length) << (128 - length), length] = rng.randrange(80_000)
    return [(n, k, r) for (n, k), r in made4.items()], [(n, k, r) for (n, k), r in made6.items()]


def _tables(folder: Path, quick: bool) -> dict[str, Any]:
    """Write the table for everybody, and the questions."""
    import ipaddress
    import time

    from gatewatch.whereabouts import About, PrefixTable

    size = 0.1 if quick else 1.0
    four, six = prefixes(int(1_200_000 * size), int(200_000 * size), 1)

    def ranges() -> Any:
        for version, bits, made in ((4, 32, four), (6, 128, six)):
            for number, length, row in made:
                owner = (row + 1, _COUNTRIES[row % 10], f"Network number {row}", "")
                yield version, number, number + (1 << (bits - length)) - 1, owner

    began = time.perf_counter()
    table = PrefixTable.of_ranges(ranges(), About("synthetic", "1", "CC0-1.0", "2026-01-01", "benchmark"))
    built = time.perf_counter() - began
    (folder / "ours.table").write_bytes(table.dump())
    with (folder / "pyasn.dat").open("w") as file:
        for number, length, row in four:
            file.write(f"{ipaddress.ip_address(number)}/{length}\t{row + 1}\n")
        for number, length, row in six:
            file.write(f"{ipaddress.IPv6Address(number)}/{length}\t{row + 1}\n")
    from benchmarks import lookup_mmdb

    lookup_mmdb.write(folder / "peer.mmdb", [(n, k, r + 1) for n, k, r in four])
    rng = random.Random(2)
    # Half anywhere, half where there are networks: traffic is denser than the address space.
    asked = [rng.randrange(0x01000000, 0xDF000000) for _ in range(500_000)]
    asked += [n + rng.getrandbits(32 - k) for n, k, _ in (rng.choice(four) for _ in range(500_000))]
    rng.shuffle(asked)
    (folder / "asked.txt").write_text("\n".join(str(ipaddress.ip_address(number)) for number in asked))
    sections = table.packed.sections
    return {
        "ranges": f"{len(sections['starts4']):,} IPv4 and {len(sections['high6']):,} IPv6",
        "file": f"{(folder / 'ours.table').stat().st_size / 1e6:.1f} MB",
        "built": f"{built:.1f} s",
    }


def run(quick: bool) -> dict[str, Any]:
    """Measure ours and the peers; gives goals, peers with ratios, and detail."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detail = _tables(folder, quick)
        seen = {who: _measured(who, folder) for who in ("ours", "columns", "pyasn", "maxminddb")}
    ours, columns = seen["ours"], seen["columns"]
    single = 1 / ours["single"]
    goals = [
        _goal("integer addresses a second", columns["integers"], GOAL_INTEGERS, "{:.2e}"),
        _goal("addresses as text a second", columns["texts"], GOAL_TEXT, "{:.2e}"),
        _goal("memory of the table, pure Python (bytes)", ours["memory"], GOAL_MEMORY, "{:.2e}", most=True),
        _goal("memory of the table, columns (bytes)", columns["memory"], GOAL_MEMORY, "{:.2e}", most=True),
        _goal("a single look-up, whole answer (seconds)", single, GOAL_SINGLE, "{:.1e}", most=True),
    ]
    peer: dict[str, Any] = {}
    for who in ("pyasn", "maxminddb"):
        other = seen[who]
        if "missing" in other:
            peer[who] = other["missing"]
            continue
        if who == "pyasn":
            goals[1]["beside"] = beside("pyasn, look-ups a second", columns["texts"], other["single"])
            goals[3]["beside"] = beside("pyasn, bytes", columns["memory"], other["memory"])
        peer[who] = [
            f"{other['single']:,.0f} look-ups a second from text, {other['memory'] / 1e6:.0f} MB",
            _ratios(ours, columns, other),
            f"answers that differ from ours: {_differ(ours['answers'], other['answers'])} of 20,000",
        ]
    detail |= {
        "single": f"{single * 1e6:.2f} us whole answer, {1e6 / ours['row']:.2f} us row only, pure Python",
        "columns": f"{columns['integers'] / 1e6:.1f} M/s integers, {columns['texts'] / 1e6:.1f} M/s text, "
        f"{columns['six'] / 1e6:.1f} M/s IPv6 halves",
        "load": f"{ours['load'] * 1000:.0f} ms, checksum included",
    }
    return {"goals": goals, "peer": peer, "detail": detail}


def _ratios(ours: dict[str, Any], columns: dict[str, Any], other: dict[str, Any]) -> str:
    return (
        f"ours by columns from text: {columns['texts'] / other['single']:.1f} times as fast, "
        f"single (row only): {ours['row'] / other['single']:.2f} times, "
        f"memory: {columns['memory'] / max(other['memory'], 1):.2f} times"
    )


def _goal(name: str, value: float, goal: float, form: str, *, most: bool = False) -> dict[str, Any]:
    met = value <= goal if most else value >= goal
    return {
        "name": name,
        "value": form.format(value),
        "goal": ("at most " if most else "at least ") + form.format(goal),
        "met": met,
    }


def _differ(ours: list[int], theirs: list[int]) -> int:
    return sum(a != b for a, b in zip(ours, theirs, strict=True))


def _measured(who: str, folder: Path) -> dict[str, Any]:
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.lookup_one", who, str(folder)], capture_output=True, text=True
    )
    if said.returncode:
        raise RuntimeError(said.stderr[-2000:])
    found = json.loads(said.stdout)
    assert isinstance(found, dict)
    return found
