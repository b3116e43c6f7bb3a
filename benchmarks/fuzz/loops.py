"""Who thinks up inputs: libFuzzer with the parsers' coverage, by atheris; without it a loop of our own.

Both begin with valid seeds and mutate by the target's own mutator.  libFuzzer keeps an input that reached new
code; our loop, which needs nothing besides Python, keeps one whose outcome was never seen before.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from benchmarks.fuzz import scratch
from benchmarks.fuzz.mutate import MOST, Mutate
from benchmarks.fuzz.watch import Watch

# What is instrumented: our rooms, and not the libraries below, whose parsers are theirs to fuzz.
_OURS = ("gatewatch", "gatewatch_targets", "gatewatch_probes", "gatewatch_analysis")
_MOST_POOL = 4000


def atheris() -> Any | None:
    """Give atheris where it is installed (it has wheels for Linux only), else None."""
    with contextlib.suppress(ImportError):
        return importlib.import_module("atheris")
    return None


@contextmanager
def instrumented(guided: bool) -> Iterator[None]:
    """Have whatever is imported meanwhile tell which of its code was reached."""
    found = atheris() if guided else None
    if found is None:
        yield
        return
    with found.instrument_imports(include=list(_OURS), enable_loader_override=False):
        yield


def by_chance(
    watch: Watch, seeds: list[bytes], mutate: Mutate, seed: int, done: Callable[[], object]
) -> None:
    """Mutate seeds, and inputs whose outcome was new."""
    rng = Random(seed)
    pool = [*seeds]
    longest = _longest(seeds)
    for data in seeds:
        if not watch.over:
            watch.one(data)
    while not watch.over:
        data = mutate(pool[rng.randrange(len(pool))], rng)
        if rng.random() < 0.3:
            data = mutate(data, rng)
        # As with libFuzzer, inputs do not grow without end: what is long is slow, and seldom says more.
        if watch.one(data) and len(pool) < _MOST_POOL and len(data) <= longest:
            pool.append(data)
    done()


def _longest(seeds: list[bytes]) -> int:
    return min(max(4096, 2 * max(map(len, seeds))), MOST)


def by_coverage(
    watch: Watch, seeds: list[bytes], mutate: Mutate, seed: int, done: Callable[[], object]
) -> None:
    """Let libFuzzer choose what to mutate; ``done`` is called after the last input, as this never returns."""
    fuzzer = atheris()
    assert fuzzer is not None

    # One for all: making one takes longer than most parsers do.  libFuzzer asks in the same order each time.
    rng = Random(seed)

    def one(data: bytes) -> None:
        watch.one(data)
        if watch.over:
            done()

    def changed(data: bytes, most: int, number: int) -> bytes:
        return mutate(data, rng)[:most]

    longest = _longest(seeds)
    folder = scratch.fresh()
    for number, data in enumerate(seeds):
        (folder / f"{number:04}").write_bytes(data)
    options = [
        *(f"-runs={watch.planned}", f"-max_len={longest}", f"-seed={seed or 1}"),
        # Sizes as the seeds have them; hangs and memory are watched here, by processor time.
        *("-len_control=0", "-timeout=3600", "-rss_limit_mb=0", "-verbosity=0", "-print_final_stats=0"),
        *("-handle_int=0", "-detect_leaks=0"),
    ]
    fuzzer.Setup([sys.argv[0], *options, str(folder)], one, custom_mutator=changed)
    fuzzer.Fuzz()
