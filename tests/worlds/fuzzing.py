"""Fuzz targets as properties: mutated seeds, and bytes of no origin, by hypothesis; the campaign in small."""

from __future__ import annotations

import importlib
from random import Random

import pytest
from benchmarks.fuzz.registry import INVENTORY, Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Modules of targets that need the analysis.
ANALYSIS = ("foreign", "archives", "own", "shown")


def names(*, analysis: bool) -> list[str]:
    """Name the targets of the one or the other half."""
    return [name for name, entry in INVENTORY.items() if (entry.module in ANALYSIS) is analysis]


def target(name: str) -> Target:
    """Import a target; skips where an extra that it needs is not installed."""
    try:
        module = importlib.import_module(f"benchmarks.fuzz.{INVENTORY[name].module}")
    except ImportError as error:
        if (error.name or "gatewatch").startswith(("gatewatch", "benchmarks")):
            raise
        pytest.skip(f"{error.name} is not installed: pip install 'gatewatch[analysis,lab,helper,quic]'")
    found: Target = module.TARGETS[name]
    return found


def try_out(name: str, examples: int) -> set[str]:
    """Try so many inputs; gives their outcomes, and raises what a parser did not declare."""
    fuzzed = target(name)
    seeds = fuzzed.seeds()
    outcomes = {repr(fuzzed.check(seed)) for seed in seeds}

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(seeds), st.lists(st.integers(0, 2**32), max_size=3), st.binary(max_size=80))
    def one(data: bytes, changes: list[int], other: bytes) -> None:
        for number in changes:
            data = fuzzed.mutate(data, Random(number))
        outcomes.add(repr(fuzzed.check(data if changes else other)))

    one()
    return outcomes
