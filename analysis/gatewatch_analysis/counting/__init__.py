"""How many of each: rows counted and summed by group, from frames and from Parquet larger than memory."""

from gatewatch_analysis.counting.grouped import aggregate

__all__ = ["aggregate"]
