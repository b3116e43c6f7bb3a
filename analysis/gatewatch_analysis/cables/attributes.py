"""Is it Chinese? Owner, builder, operator and carrier, each by itself, with the least and the most it can be.

Which system carries a crossing can seldom be told, and need not be: of each question the chance is summed
over the candidates.  What is not resolved (no list holds it, its owners are not told, the far end's place is
not known) counts as not Chinese for the least, and as Chinese for the most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from gatewatch_analysis.cables.crossings import Crossing
from gatewatch_analysis.cables.knowledge import Knowledge
from gatewatch_analysis.cables.weigh import Candidate, Weighing
from gatewatch_targets.carriers import carrier

Attribute = Literal["owned", "built", "operated", "carrier"]
ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)

#: What "Chinese" means here, in words.
DEFINITION = """A company is Chinese when its head office is in mainland China, or when a company decides \
over it, on that day and by owners.toml, whose head office is there; a holding that does not decide makes \
none Chinese, and Hong Kong is a place of its own. owned: such a company is among the owners of a system on \
the way. built: among the builders, as owned when the system came into service. operated: among the \
operators and landing parties. carrier: the network that takes packets on at the border belongs to a carrier \
whose company at the top has its seat in mainland China (carriers.toml). A way by land and sea counts as \
owned, built or operated when one of its systems does; it counts as not only where all of them are known and \
do not."""

# Ours.  How often an address at a border is not of its router's own network: of one that stands alone, and of
# one whose next router is of the same network (a third network's address is not followed by its routers).
WRONG_ALONE, WRONG_CONFIRMED = 0.05, 0.004
# Ours.  Chinese carriers cross few borders, so among addresses of theirs that stand alone those that somebody
# else's router wears are many: 10 of 48 in emulated countries (seeds 0 to 199 of benchmarks/cables_truth.py).
WRONG_CHINESE_ALONE = 0.25
# Ours.  A hop that tells nothing hides a network that shows nowhere else so often.
HIDDEN, MOST_HIDDEN = 0.08, 0.5


@dataclass(frozen=True, slots=True)
class Chance:
    """The least and the most that a chance can be."""

    least: float
    most: float


def answer(candidate: Candidate, attribute: Attribute, knowledge: Knowledge, on: date) -> bool | None:
    """Say of a candidate whether it is Chinese in one respect; None where that is not known."""
    way = candidate.way
    if way is None or way.system is None or attribute == "carrier":
        return None
    told = knowledge.chinese(way.system, attribute, on)
    # A land link alone crosses one border; each further border is crossed in fibres of somebody unknown.
    alone = way.borders == (0 if candidate.kind == "sea" else 1)
    return told if told or alone else None


def chances(weighing: Weighing, knowledge: Knowledge) -> dict[Attribute, Chance]:
    """Sum the weights of what is Chinese for sure, and of what is not for sure.

    For the part in which nobody is right about the far end's place, the worst of all places that light allows
    counts on either side.
    """
    found: dict[Attribute, Chance] = {}
    named = weighing.candidates()
    anywhere = [weighing.at(place) for place in weighing.places()] if weighing.nowhere > 0 else []
    for attribute in ATTRIBUTES:
        if attribute == "carrier":
            continue
        yes, no = _sums(named, attribute, knowledge, weighing.on)
        worst = [_sums(own, attribute, knowledge, weighing.on) for own in anywhere]
        yes += weighing.nowhere * min((sure for sure, _ in worst), default=0.0)
        no += weighing.nowhere * min((sure for _, sure in worst), default=0.0)
        found[attribute] = Chance(min(1.0, yes), max(0.0, 1.0 - no))
    return found


def _sums(
    own: Iterable[Candidate], attribute: Attribute, knowledge: Knowledge, on: date
) -> tuple[float, float]:
    yes = no = 0.0
    for candidate in own:
        told = answer(candidate, attribute, knowledge, on)
        yes += candidate.weight if told else 0.0
        no += candidate.weight if told is False else 0.0
    return yes, no


def carried(crossing: Crossing) -> Chance:
    """Give the chance that the network which takes packets on at the border is a Chinese carrier's.

    The first foreign hop names it, or a router that wears a neighbour's address: so the routers behind count,
    too.  Hops between that tell nothing may hide one more network.
    """
    first, behind = crossing.foreign_asn, crossing.behind
    known = carrier(first) if first else None
    confirmed = first is not None and first in behind[:1]
    if first is None:
        return Chance(0.0, 1.0)
    if known is not None and known.is_chinese:
        return Chance(1.0 - (WRONG_CONFIRMED if confirmed else WRONG_CHINESE_ALONE), 1.0)
    wrong = WRONG_CONFIRMED if confirmed else WRONG_ALONE
    if any(_is_chinese(asn) for asn in (*behind, crossing.domestic_asn)):
        # It is on the way: whether it crosses the border or begins behind it is not told.
        return Chance(0.0, 1.0)
    return Chance(0.0, min(1.0, wrong + min(MOST_HIDDEN, HIDDEN * crossing.untold)))


def _is_chinese(asn: int | None) -> bool:
    known = carrier(asn) if asn else None
    return known is not None and known.is_chinese
