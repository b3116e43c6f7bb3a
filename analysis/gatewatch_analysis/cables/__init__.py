"""Whose cable carries the traffic? What may carry each border link, and how much of it is Chinese."""

from gatewatch_analysis.cables.attributes import ATTRIBUTES, DEFINITION
from gatewatch_analysis.cables.crossings import crossings
from gatewatch_analysis.cables.knowledge import Knowledge
from gatewatch_analysis.cables.overview import Cables, whose_cables
from gatewatch_analysis.cables.weigh import Priors, candidates

__all__ = [
    "ATTRIBUTES",
    "DEFINITION",
    "Cables",
    "Knowledge",
    "Priors",
    "candidates",
    "crossings",
    "whose_cables",
]
