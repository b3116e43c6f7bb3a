"""One gate, one hand, each ISP by itself, or nobody?  The posterior against the truth of emulated countries.

There is no peer to run beside it: nobody publishes such a posterior.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from benchmarks.gateway.policy import POLICIES
from benchmarks.gateway.score import Weighed, brier, calibration, confusion, macro_f1
from benchmarks.gateway.worlds import World, dataset, each
from gatewatch_analysis.gateway import NOTHING, UNDETERMINED, Found, find
from gatewatch_analysis.gateway.calibration import CLASSES, Class
from gatewatch_analysis.gateway.isps import plain

#: Countries of each class: 100 of five to twelve ISPs, and 20 of one or two.
COUNT, FEW = 100, 20
#: Seeds of the countries that are weighed; those that the calibration counts begin at 1000.
FIRST, FIRST_FEW = 0, 2000
F1, BRIER, SILENT = 0.95, 0.08, 0.95

#: What the weighing may read: everything, or pages alone, as most data of others are.
Reading = str
READINGS: tuple[Reading, ...] = ("everything", "pages alone")


def run(quick: bool) -> dict[str, Any]:
    """Weigh emulated countries, and print F1, Brier's score and the table of calibration."""
    count, few = (4, 2) if quick else (COUNT, FEW)
    many = [World(kind, seed) for seed, kind in product(range(FIRST, FIRST + count), POLICIES)]
    small = [
        World(kind, FIRST_FEW + number, 1 + number % 2) for number, kind in product(range(few), POLICIES)
    ]
    weighed = list(each(many, weigh))
    whole, pages = ([row[reading] for row in weighed] for reading in READINGS)
    silent = sum(row[READINGS[0]].answer == UNDETERMINED for row in each(small, weigh)) / len(small)
    f1, score = macro_f1([(w.truth, w.leaning) for w in whole]), brier(whole)
    return {
        "goals": [
            _goal(f"posterior of {len(whole)} countries: macro-F1", f"{f1:.3f}", f">= {F1}", f1 >= F1),
            _goal("Brier's score, summed over the classes", f"{score:.3f}", f"<= {BRIER}", score <= BRIER),
            _goal(
                f"of {len(small)} countries with fewer than 3 ISPs undetermined",
                f"{silent:.1%}",
                f">= {SILENT:.0%}",
                silent >= SILENT,
            ),
        ],
        "peer": {},
        "detail": {
            "truth against the most probable class": confusion(whole),
            "calibration": calibration(whole),
            "what is said aloud": _aloud(whole),
            "pages alone (no path, place or contrast)": [
                f"macro-F1 {macro_f1([(w.truth, w.leaning) for w in pages]):.3f}, Brier {brier(pages):.3f}",
                *_aloud(pages),
                *calibration(pages),
            ],
        },
    }


def _aloud(worlds: list[Weighed]) -> list[str]:
    told = [w for w in worlds if w.answer != UNDETERMINED]
    wrong = [w for w in told if w.answer != w.truth]
    claims = sum(w.answer == "gateway" != w.truth for w in told)
    return [
        f"{len(told)} of {len(worlds)} answered, {len(worlds) - len(told)} undetermined",
        f"{len(wrong)} of the answers wrong; a gateway claimed where there is none: {claims}",
    ]


def weigh(world: World) -> dict[Reading, Weighed]:
    """Measure a country, or take it as measured before, and weigh what is read."""
    data, prefixes = dataset(world)
    pages = replace(data, hops=data.hops.iloc[:0], loci=data.loci.iloc[:0], contrasts=data.contrasts.iloc[:0])
    return {
        name: _weighed(world, find(part, prefixes, NOTHING))
        for name, part in zip(READINGS, (data, pages), strict=True)
    }


def _weighed(world: World, found: Found) -> Weighed:
    posterior: dict[Class, float] = dict(plain(found.posterior, "kind", "probability"))
    truth = next(kind for kind in CLASSES if kind == world.kind)
    return Weighed(truth, posterior, str(found.answers["answer"].iloc[0]))


def _goal(name: str, value: str, goal: str, met: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "goal": goal, "met": met}
