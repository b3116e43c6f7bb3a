"""Statistics that several analyses share, each with its source."""

from gatewatch_analysis.statistics.intervals import wilson

__all__ = ["wilson"]
