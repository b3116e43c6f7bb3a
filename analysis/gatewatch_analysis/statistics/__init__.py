"""Statistics that several analyses share, each with its source."""

from gatewatch_analysis.statistics.changes import SURE, Change, Changes, changes, p_value, spread
from gatewatch_analysis.statistics.intervals import wilson, wilsons
from gatewatch_analysis.statistics.signs import sign_test, sign_test_both_ways
from gatewatch_analysis.statistics.together import Together, all_together, together

__all__ = [
    "SURE",
    "Change",
    "Changes",
    "Together",
    "all_together",
    "changes",
    "p_value",
    "sign_test",
    "sign_test_both_ways",
    "spread",
    "together",
    "wilson",
    "wilsons",
]
