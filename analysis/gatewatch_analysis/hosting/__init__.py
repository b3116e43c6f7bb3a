"""Where a country's services are hosted: inside, abroad, or on a content network, period by period."""

from gatewatch_analysis.hosting.placed import COLUMNS, KINDS, addresses, hosting, moves, placements

__all__ = ["COLUMNS", "KINDS", "addresses", "hosting", "moves", "placements"]
