"""What was seen, in words and counts: the evidence table of a country, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.answer import UNDETERMINED
from gatewatch_analysis.gateway.calibration import TITLES
from gatewatch_analysis.gateway.isps import Country, of_country, plain
from gatewatch_analysis.gateway.likelihood import Groups
from gatewatch_analysis.gateway.pieces import Pieces
from gatewatch_analysis.gateway.seen import Seen


def told(piece: str, what: Seen, found: Pieces, country: Country) -> str:
    """Say what was seen of a piece."""
    if piece.startswith("contrast, "):
        return _counts(what.contrasts[piece.partition(", ")[2]])
    piece = piece.removesuffix(", few pairs").removesuffix(", beside a shared node")
    words: Mapping[str, Any] = {
        "interference": lambda: f"{what.hit[0]} of {sum(what.hit)} ISPs affected",
        "places": lambda: _places(what, of_country(found.shared_nodes, country)),
        "resolver or path": lambda: (
            f"the resolver lies on {what.lies.many} ISPs, something on the path on {what.mechanisms.many}"
        ),
        "mechanisms on the path": lambda: _mechanisms(what, of_country(found.uniformity, country)),
        "lies of resolvers": lambda: _groups(what.lies, "kind"),
        "boxes": lambda: "; ".join(_groups(box, "type") for box in what.boxes) + " within a mechanism",
        "carriers beyond": lambda: _groups(what.beyond, "carrier") + " whose borders interfere",
        "orders": lambda: _orders(found, country),
        "exits": lambda: _exits(of_country(found.exits, country)),
        "carriers": lambda: _carriers(of_country(found.carriers, country)),
    }
    return str(words[piece]())


def said(answer: Any) -> str:
    """Say the answer of a row of ``Answers`` in a sentence or two."""
    leaning = f"{TITLES[answer['leaning']]} ({answer['probability']:.0%})"
    apart = "all" if answer["units"] == answer["isps"] else str(answer["units"])
    seen = (
        f"{answer['isps']} ISPs measured, {apart} of which do not hang together; interference was placed on "
        f"{answer['located']} and contrasted on {answer['contrasted']}"
    )
    if answer["answer"] != UNDETERMINED:
        return f"{leaning}; {seen}."
    return f"undetermined: {answer['why']}. Most probable is {leaning}; {seen}."


def _counts(counts: Mapping[str, float]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:.3g}" for name, count in ordered)


def _groups(groups: Groups, what: str) -> str:
    sizes = groups.sizes
    text = f"{len(sizes)} {what}{'s' if len(sizes) > 1 else ''} over {groups.many} ISPs"
    text += f" ({' + '.join(map(str, sizes))})" if len(sizes) > 1 else ""
    return text + (f", {' + '.join(map(str, groups.given))} of them at one site" if groups.given else "")


def _first(frame: pd.DataFrame, *columns: str) -> tuple[Any, ...]:
    return next(plain(frame, *columns), (None,) * len(columns))


def _places(what: Seen, shared: pd.DataFrame) -> str:
    node, isps, located, low = _first(shared, "node", "isps", "located", "low")
    text = _counts(dict(what.places.items()))
    if node is not None:
        text += f"; {isps} of {located} ISPs at {node}, a share of at least {low:.2f}"
    return text


def _mechanisms(what: Seen, table: pd.DataFrame) -> str:
    u, p = _first(table[table["subject"] == "all"], "u", "p")
    text = _groups(what.mechanisms, "mechanism")
    if p is None:
        return text
    return f"{text}; of all mechanisms P {p:.2f}, U {'undefined' if u is None else f'{u:.2f}'}"


def _orders(found: Pieces, country: Country) -> str:
    mean, ceiling = _first(of_country(found.list_agreement, country), "mean", "ceiling")
    parts = []
    if mean is not None:
        against = "no repeats" if ceiling is None else f"{ceiling:.2f} between repeats"
        parts.append(f"lists agree {mean:.2f} between ISPs, {against}")
    spread = of_country(found.onset_spread, country)
    if len(spread):
        least, most = spread["least_min"].median(), spread["most_min"].median()
        parts.append(f"began {minutes(least)} to {minutes(most)} apart")
    return "; ".join(parts)


def minutes(many: float) -> str:
    """Write a time at a glance."""
    if many < 120:
        return f"{many:.0f} min"
    return f"{many / 60:.0f} h" if many < 2880 else f"{many / 1440:.0f} d"


def _exits(table: pd.DataFrame) -> str:
    abroad = table[table["exit"] == "first network abroad"]
    effective, low, high, alike = _first(abroad, "effective", "effective_low", "effective_high", "alike")
    return (
        f"{effective:.1f} effective networks abroad ({low:.1f} to {high:.1f}); two ISPs leave by the same to "
        f"one destination {alike:.0%} of the time"
    )


def _carriers(table: pd.DataFrame) -> str:
    best = table.sort_values(["p_value", "network"], kind="stable", na_position="last")
    row = _first(best, "network", "affected", "through", "others_affected", "others", "p_value")
    number, a, through, b, others, chance = row
    text = f"AS{number}: {a} of {through} ISPs through it affected, {b} of {others} others"
    return text if chance is None else f"{text} (p {chance:.2g})"
