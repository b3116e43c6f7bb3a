"""Where interference happens: a posterior over links from packets that expired on the way."""

from gatewatch.locus.belief import Belief, Place
from gatewatch.locus.label import Label, Labelled, Vantage, label
from gatewatch.locus.sight import Path, Sighting

__all__ = ["Belief", "Label", "Labelled", "Path", "Place", "Sighting", "Vantage", "label"]
