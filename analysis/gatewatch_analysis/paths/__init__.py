"""Which way do packets go? Routes, AS paths, links with their least times, and where hops may stand."""

from gatewatch_analysis.paths.links import links
from gatewatch_analysis.paths.places import places
from gatewatch_analysis.paths.routes import paths
from gatewatch_analysis.paths.vantages import placed

__all__ = ["links", "paths", "placed", "places"]
