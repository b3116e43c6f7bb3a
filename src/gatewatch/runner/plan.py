"""The plan of a run: every measurement that will be made, in order, written down before the first packet."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

from gatewatch_targets import Target

VERSION = 1


@dataclass(frozen=True, slots=True)
class Item:
    """One measurement to be made: a probe on a target."""

    id: str
    probe: str
    target: Target

    def to_json(self) -> dict[str, Any]:
        """Give the item as plan.json has it."""
        t = self.target
        return {
            "id": self.id,
            "probe": self.probe,
            "input": t.url,
            "target": {
                "category": t.category,
                "risk": t.risk,
                "countries": list(t.countries),
                "control": t.control,
            },
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """All items in the order in which they start."""

    items: tuple[Item, ...]
    seed: int
    created: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def probes(self) -> tuple[str, ...]:
        """The probes used, each once."""
        return tuple(dict.fromkeys(item.probe for item in self.items))

    def to_json(self) -> dict[str, Any]:
        """Give the plan as plan.json has it."""
        return {
            "version": VERSION,
            "created": self.created,
            "seed": self.seed,
            "probes": list(self.probes),
            "settings": dict(self.settings),
            "items": [item.to_json() for item in self.items],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Read plan.json; raises ValueError when it is of another version or damaged."""
        if data.get("version") != VERSION:
            raise ValueError(f"plan version {data.get('version')!r} is not {VERSION}")
        try:
            items = tuple(
                Item(
                    row["id"],
                    row["probe"],
                    Target(
                        row["input"],
                        row["target"]["category"],
                        row["target"]["risk"],
                        tuple(row["target"]["countries"]),
                        control=row["target"]["control"],
                    ),
                )
                for row in data["items"]
            )
            return cls(items, data["seed"], data["created"], data["settings"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"the plan lacks {error}") from error


def make(
    targets: Iterable[Target],
    probes: Sequence[str],
    *,
    seed: int,
    settings: Mapping[str, Any],
    traces: int = 0,
    fits: Callable[[str, Target], bool] = lambda probe, target: True,
) -> Plan:
    """Plan every probe on every target, shuffled by ``seed``, and a trace to ``traces`` of them.

    Shuffled, so that the sites of one category are not asked for in a row, which is how a watcher would
    recognise the list.  The probes of one target follow each other's order in ``probes``.  Traces go to
    controls and to other targets in turns: controls are mostly domestic, most others abroad, and it takes
    both ways to see where the country ends.  ``fits`` leaves out what a probe cannot measure.
    """
    shuffled = list(targets)
    random.Random(seed).shuffle(shuffled)
    rows = [(probe, target) for target in shuffled for probe in probes if fits(probe, target)]
    if "trace" not in probes:
        others = [t for t in shuffled if not t.control]
        controls = [t for t in shuffled if t.control]
        turns = [t for pair in zip_longest(others, controls) for t in pair if t is not None]
        rows += [("trace", t) for t in turns[:traces]]
    width = len(str(len(rows)))
    items = tuple(
        Item(f"{probe.rpartition('/')[2]}-{number:0{width}}", probe, target)
        for number, (probe, target) in enumerate(rows, 1)
    )
    return Plan(items, seed, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), settings)
