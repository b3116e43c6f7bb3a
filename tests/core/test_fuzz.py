"""Every parser of wire data and of fetched files, with mutated inputs: benchmarks.fuzz in small."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from benchmarks.fuzz import TOTAL
from benchmarks.fuzz.registry import INVENTORY
from tests.worlds.fuzzing import names, target, try_out

if sys.platform == "win32":
    pytest.skip("the campaign watches processor time by signals", allow_module_level=True)


@pytest.mark.parametrize("name", names(analysis=False))
def test_a_parser_raises_only_what_it_declares(name: str) -> None:
    # A parser that calls everything rubbish would pass as well.
    assert len(try_out(name, 150)) > 1


def test_the_page_has_the_inventory() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/fuzzing.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    told = [f"| `{n}` | `{e.module}` | {e.inputs:,} | {e.parsers} |" for n, e in INVENTORY.items()]
    assert rows == told
    # Ten million in all, and what is slow gets enough as well.
    assert sum(e.inputs for e in INVENTORY.values()) >= TOTAL
    assert min(e.inputs for e in INVENTORY.values()) >= 50_000


@pytest.mark.parametrize("name", ["dns-fast", "http-response", "list", "helper-request", "update"])
def test_mutations_repeat_and_change_something(name: str) -> None:
    fuzzed = target(name)
    seeds = fuzzed.seeds()
    first = [fuzzed.mutate(seeds[n % len(seeds)], Random(n)) for n in range(60)]
    assert first == [fuzzed.mutate(seeds[n % len(seeds)], Random(n)) for n in range(60)]
    assert sum(a != seeds[n % len(seeds)] for n, a in enumerate(first)) > 45


def test_a_crash_is_noticed_kept_and_told(tmp_path: Path) -> None:
    from benchmarks.fuzz.loops import by_chance
    from benchmarks.fuzz.mutate import blind
    from benchmarks.fuzz.watch import Watch

    def check(data: bytes) -> int:
        if data[:1] == b"\xff":
            raise KeyError("undeclared")
        return len(data) % 3

    watch = Watch(check, 3000, tmp_path)
    ended: list[bool] = []
    by_chance(watch, [b"\x7fabc"], blind, 1, lambda: ended.append(True))
    told = watch.told()
    assert ended == [True] and told["inputs"] == 3000 and told["outcomes"] == 4
    (name,) = told["crashes"]
    assert name.startswith("KeyError at test_fuzz.py:")
    kept = Path(told["crashes"][name]["file"])
    assert kept.parent == tmp_path and kept.read_bytes()[:1] == b"\xff"
