"""``python -m benchmarks.fuzz TARGET``: fuzz one parser, or ``--replay FILE`` an input that was kept."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from pathlib import Path

from benchmarks.fuzz import scratch
from benchmarks.fuzz.loops import atheris, by_chance, by_coverage, instrumented
from benchmarks.fuzz.registry import INVENTORY, Target
from benchmarks.fuzz.watch import Watch, arm


def target(name: str, *, guided: bool = False) -> Target:
    """Import a target, its parsers instrumented where that is asked for."""
    with instrumented(guided):
        module = importlib.import_module(f"benchmarks.fuzz.{INVENTORY[name].module}")
    found: Target = module.TARGETS[name]
    return found


def main() -> None:
    """Fuzz or replay."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("target", choices=INVENTORY)
    parser.add_argument("--inputs", type=int, help="how many; default: its share of a full campaign")
    parser.add_argument("--seconds", type=float, default=0.0, help="end earlier, after so many on the clock")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for inputs that crash")
    parser.add_argument("--blind", action="store_true", help="do without atheris and its coverage")
    parser.add_argument("--json", type=Path, help="file for what came of it")
    parser.add_argument("--replay", type=Path, help="try this one input; what it raises is shown")
    asked = parser.parse_args()
    if asked.replay is not None:
        print(repr(target(asked.target).check(asked.replay.read_bytes())))
        return
    guided = not asked.blind and atheris() is not None
    made = target(asked.target, guided=guided)
    seeds = made.seeds()
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
    watch = Watch(made.check, asked.inputs or INVENTORY[asked.target].inputs, asked.keep)
    arm(watch)
    began = time.monotonic()
    watch.until = began + asked.seconds if asked.seconds else float("inf")

    def done() -> None:
        told = {**watch.told(), "target": asked.target, "guided": guided, "seeds": len(seeds)}
        told["wall_s"] = round(time.monotonic() - began, 1)
        text = json.dumps(told)
        if asked.json is not None:
            asked.json.write_text(text, encoding="utf-8")
        else:
            print(text, flush=True)
        scratch.clean()
        # libFuzzer would go on, or end with words of its own.
        os._exit(0)

    (by_coverage if guided else by_chance)(watch, seeds, made.mutate, asked.seed, done)


if __name__ == "__main__":
    main()
