"""Fits the calibration to emulated countries: counts, how alike a country's ISPs are, and tempers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import comb, log
from typing import Any

from gatewatch_analysis.gateway.calibration import CLASSES, HALF, Calibration, Class, model, parse
from gatewatch_analysis.gateway.contrast import CONCLUSIONS
from gatewatch_analysis.gateway.likelihood import Groups, Shares
from gatewatch_analysis.gateway.node import PLACES
from gatewatch_analysis.gateway.seen import CARRIERS, EXITS, GROUPS, LISTS, ONSETS, Seen
from gatewatch_analysis.gateway.weigh import (
    AGREEMENT,
    AGREEMENT_OF_FEW,
    BESIDE,
    FEW,
    compared,
    joint,
    observations,
    posterior,
    weights,
)

# Below, one ISP would tell all of a country's; above, countries would not differ at all.
_CONCENTRATIONS = tuple(0.5 * 1.25**k for k in range(21))
_STEPS = 60
_FOLDS = 5
_THREE = 3

#: Pieces: model, the group that shares a temper, categories.
PIECES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "interference": ("shares", "interference", ("affected", "free")),
    "places": ("shares", "where", PLACES),
    "resolver or path": ("shares", "resolver", ("resolver", "path")),
    **{f"contrast, {group}": ("shares", "contrast", CONCLUSIONS) for group in dict.fromkeys(GROUPS.values())},
    **{
        f"{name}{few}": ("bins", group, tuple(bins))
        for name, group in (
            ("mechanisms on the path", "mechanisms"),
            ("lies of resolvers", "lies"),
            ("boxes", "boxes"),
            ("carriers beyond", "where"),
        )
        for few, bins in (("", AGREEMENT), (FEW, AGREEMENT_OF_FEW))
    },
    BESIDE: ("bins", "mechanisms", tuple(AGREEMENT)),
    "orders": ("bins", "orders", tuple(joint(a, b) for a in LISTS for b in ONSETS)),
    "exits": ("bins", "exits", EXITS),
    "carriers": ("bins", "carriers", CARRIERS),
}
GROUPS_OF = tuple(dict.fromkeys(group for _, group, _ in PIECES.values()))

Labelled = tuple[Class, Seen]


def fit(worlds: Sequence[Labelled], made: Mapping[str, Any]) -> str:
    """Fit everything, and write the file."""
    tempers = temper(worlds)
    return write(counted(worlds), tempers, made)


def counted(worlds: Iterable[Labelled]) -> dict[str, dict[Class, dict[str, Any]]]:
    """Count what each class shows, piece by piece."""
    shown: dict[str, dict[Class, list[Any]]] = {name: {kind: [] for kind in CLASSES} for name in PIECES}
    threes: dict[str, dict[Class, list[float]]] = {name: {kind: [] for kind in CLASSES} for name in PIECES}
    for kind, what in worlds:
        # How alike a country's ISPs are is learnt from every country, as if nothing had been located.
        states = observations(replace(what, mechanisms=Groups(what.mechanisms.sizes))) | {
            name: seen for name, seen in observations(what).items() if name == BESIDE
        }
        for name, seen in states.items():
            if not name.endswith(FEW):
                shown[name][kind] += seen
        for name, groups in compared(what).items():
            threes[f"{name}{FEW}"][kind] += [three(g.sizes) for g in groups if g.many >= _THREE]
    return {
        name: {
            kind: _few(threes[name][kind]) if name.endswith(FEW) else _row(PIECES[name], seen)
            for kind, seen in by_class.items()
        }
        for name, by_class in shown.items()
    }


def three(sizes: Sequence[int]) -> float:
    """Give the chance that three ISPs of all are alike: what few pairs show, learnt from all countries."""
    return sum(comb(size, _THREE) for size in sizes) / comb(sum(sizes), _THREE)


def _few(chances: Sequence[float]) -> dict[str, Any]:
    alike = round(sum(chances), 2)
    return {"seen": len(chances), "counts": [round(len(chances) - alike, 2), alike]}


def _row(piece: tuple[str, str, tuple[str, ...]], seen: list[Any]) -> dict[str, Any]:
    kind, _, names = piece
    if kind == "shares":
        counts = [sum(one.get(name, 0.0) for one in seen) for name in names]
        return {"seen": len(seen), "counts": counts, "concentration": _concentration(names, counts, seen)}
    return {"seen": len(seen), "counts": _spread(names, seen)}


def _concentration(names: Sequence[str], counts: list[float], seen: list[Any]) -> float:
    """Choose how alike ISPs of a country are, by the likelihood of all countries seen."""

    def whole(concentration: float) -> float:
        found = model("shares", list(names), {"counts": counts, "concentration": concentration})
        assert isinstance(found, Shares)
        return float(sum(found.log(one) for one in seen))

    best: float = max(_CONCENTRATIONS, key=whole)
    return round(best, 3) if seen else 1.0


def _spread(names: Sequence[str], seen: list[Any]) -> list[float]:
    """Share out states that are known between bounds only, as the others are, by the same method."""
    counts = [len(seen) / len(names)] * len(names)
    for _ in range(_STEPS):
        parts = dict(zip(names, _parts(counts), strict=True))
        found = dict.fromkeys(names, 0.0)
        for states in seen:
            whole = sum(parts[state] for state in states)
            for state in states:
                found[state] += parts[state] / whole
        counts = list(found.values())
    return [round(count, 2) for count in counts]


def _parts(counts: Sequence[float]) -> list[float]:
    padded = [count + HALF for count in counts]
    return [count / sum(padded) for count in padded]


def temper(worlds: Sequence[Labelled]) -> dict[str, float]:
    """Choose each group's exponent so that countries that were not counted are foretold best (log score)."""
    unseen: list[tuple[Class, dict[str, dict[Class, float]]]] = []
    for fold in range(_FOLDS):
        learnt = [world for n, world in enumerate(worlds) if n % _FOLDS != fold]
        known = parse(write(counted(learnt), dict.fromkeys(GROUPS_OF, 1.0), {}))
        for kind, what in (world for n, world in enumerate(worlds) if n % _FOLDS == fold):
            unseen.append((kind, _by_group(known, weights(known, what))))
    found = dict.fromkeys(GROUPS_OF, 1.0)
    for _ in range(3):
        for group in GROUPS_OF:
            choices = [round(0.05 * k, 2) for k in range(2, 21)]
            found[group] = min(choices, key=lambda value: loss(unseen, {**found, group: value}))
    return found


def _by_group(known: Calibration, logs: Mapping[str, Mapping[Class, float]]) -> dict[str, dict[Class, float]]:
    found = {group: dict.fromkeys(CLASSES, 0.0) for group in GROUPS_OF}
    for name, row in logs.items():
        for kind in CLASSES:
            found[known.pieces[name].group][kind] += row[kind]
    return found


def loss(
    worlds: Sequence[tuple[Class, Mapping[str, Mapping[Class, float]]]], tempers: Mapping[str, float]
) -> float:
    """Give the mean log score of the true classes."""
    even = dict.fromkeys(CLASSES, 1.0)
    total = 0.0
    for kind, logs in worlds:
        weighed = {
            group: {c: tempers[group] * value for c, value in row.items()} for group, row in logs.items()
        }
        total -= log(max(posterior(even, weighed)[kind], 1e-12))
    return total / len(worlds)


def write(
    rows: Mapping[str, Mapping[Class, Mapping[str, Any]]],
    tempers: Mapping[str, float],
    made: Mapping[str, Any],
) -> str:
    """Write the calibration as TOML."""
    out = [
        "# How often emulated countries of each class show what: the likelihoods of gatewatch_analysis.",
        "# Written by the command below; docs/gateway.md explains it.",
        "",
        "[made]",
        *(f"{key} = {_value(value)}" for key, value in made.items()),
        "",
        "# The exponent of each group's likelihoods.",
        "[temper]",
        *(f"{group} = {tempers[group]}" for group in GROUPS_OF),
    ]
    for name, by_class in rows.items():
        kind, group, names = PIECES[name]
        out += ["", f"[piece.{_value(name)}]", f'model = "{kind}"', f'group = "{group}"']
        out.append(f"categories = {_value(list(names))}")
        for label, row in by_class.items():
            inner = ", ".join(f"{key} = {_value(value)}" for key, value in row.items())
            out.append(f"{_value(label)} = {{ {inner} }}")
    return "\n".join(out) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
