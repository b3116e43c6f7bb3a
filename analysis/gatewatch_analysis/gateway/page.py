"""The calibration as tables, for ``docs/gateway.md``."""

from __future__ import annotations

from collections.abc import Iterator

from gatewatch_analysis.gateway.answer import ENOUGH, LEAST_FOR_A_GATE, LEAST_ISPS, LEAST_PLACED, LEAST_UNITS
from gatewatch_analysis.gateway.calibration import CLASSES, Calibration, Piece, calibration

_WORDS = {
    "shares": "shares of ISPs",
    "bins": "countries, by state",
}


def markdown(known: Calibration | None = None) -> str:
    """Write how it was made, the tempers, and the counts of every piece."""
    return "\n".join(_lines(known or calibration())) + "\n"


def _lines(known: Calibration) -> Iterator[str]:
    made = known.made
    yield f"Made by `{made['command']}` on {made['date']}: {made['countries']} countries, "
    yield f"{made['of_each_class']} of each class, seeds {made['seeds']}, {made['isps']}."
    yield ""
    yield f"An answer needs a probability of {ENOUGH} and {LEAST_ISPS} ISPs; one that says where something"
    yield f"stands, {LEAST_PLACED} ISPs on which it was placed or contrasted; a gateway, {LEAST_FOR_A_GATE}"
    yield f"ISPs, of which {LEAST_UNITS} do not hang together."
    for piece in known.pieces.values():
        yield ""
        yield from _table(piece)


def _table(piece: Piece) -> Iterator[str]:
    table = piece.table
    yield f"**{piece.name}** ({_WORDS[table['model']]}; temper {piece.temper:g})"
    yield ""
    yield "| | " + " | ".join(CLASSES) + " |"
    yield "|---|" + "---|" * len(CLASSES)
    whole = {kind: sum(table[kind]["counts"]) for kind in CLASSES}
    for number, name in enumerate(table["categories"]):
        shares = (
            f"{table[kind]['counts'][number] / whole[kind]:.0%}" if whole[kind] else "-" for kind in CLASSES
        )
        yield f"| {name} | " + " | ".join(shares) + " |"
    yield "| *seen in* | " + " | ".join(str(table[kind]["seen"]) for kind in CLASSES) + " |"
    if table["model"] == "shares":
        alike = (f"{table[kind]['concentration']:g}" for kind in CLASSES)
        yield "| *concentration* | " + " | ".join(alike) + " |"
