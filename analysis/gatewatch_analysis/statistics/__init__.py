"""Statistics that several analyses share, each with its source."""

from gatewatch_analysis.statistics.changes import SURE, Change, Changes, changes, p_value, spread
from gatewatch_analysis.statistics.intervals import wilson, wilsons
from gatewatch_analysis.statistics.signs import at_least, sign_test, sign_test_both_ways
from gatewatch_analysis.statistics.together import Together, all_together, on_both_sides, together, took_part

__all__ = [
    "SURE",
    "Change",
    "Changes",
    "Together",
    "all_together",
    "at_least",
    "changes",
    "on_both_sides",
    "p_value",
    "sign_test",
    "sign_test_both_ways",
    "spread",
    "together",
    "took_part",
    "wilson",
    "wilsons",
]
