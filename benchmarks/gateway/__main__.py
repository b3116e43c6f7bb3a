"""``python -m benchmarks.gateway --refit``: count emulated countries anew, and write the calibration."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from importlib.resources import files
from itertools import product
from pathlib import Path

from benchmarks.gateway import fit
from benchmarks.gateway.policy import POLICIES
from benchmarks.gateway.worlds import World, dataset, each
from gatewatch_analysis.gateway.calibration import CLASSES, FILE
from gatewatch_analysis.gateway.isps import countries
from gatewatch_analysis.gateway.known import NOTHING
from gatewatch_analysis.gateway.pieces import pieces
from gatewatch_analysis.gateway.seen import seen

#: Countries of each class that are counted, and their first seed: none of them is weighed by the benchmark.
COUNT, FIRST = 150, 1000


def counted(world: World) -> fit.Labelled:
    """Measure a country, and reduce its evidence."""
    data, prefixes = dataset(world)
    evidence = pieces(data, prefixes, NOTHING)
    kind = next(kind for kind in CLASSES if kind == world.kind)
    return kind, seen(evidence, countries(evidence.units)[0])


def main() -> None:
    """Refit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--refit", action="store_true", required=True)
    parser.add_argument("--count", type=int, default=COUNT, help="countries of each class")
    asked = parser.parse_args()
    last = FIRST + asked.count - 1
    worlds = [World(kind, seed) for seed, kind in product(range(FIRST, last + 1), POLICIES)]
    made = {
        "command": f"python -m benchmarks.gateway --refit --count {asked.count}",
        "countries": len(worlds),
        "of_each_class": asked.count,
        "seeds": f"{FIRST} to {last}",
        "isps": "5 to 12 in each",
        "date": datetime.now(UTC).date().isoformat(),
    }
    text = fit.fit(list(each(worlds, counted)), made)
    file = Path(str(files("gatewatch_analysis.gateway") / FILE))
    file.write_text(text, encoding="utf-8")
    print(f"{file.name}: {len(worlds)} countries counted")


if __name__ == "__main__":
    main()
