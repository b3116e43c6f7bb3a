"""Where interference happens: a posterior over links from packets that expired on the way."""

from gatewatch.locus.belief import Belief, Place
from gatewatch.locus.sight import Path, Sighting

__all__ = ["Belief", "Path", "Place", "Sighting"]
