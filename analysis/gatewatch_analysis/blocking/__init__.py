"""What is blocked: by ISP, by layer and method, by category, from day to day, and since when."""

from gatewatch_analysis.blocking.consistency import consistency
from gatewatch_analysis.blocking.days import by_country, by_day, by_domain
from gatewatch_analysis.blocking.repeats import DISAGREE, settle
from gatewatch_analysis.blocking.since import changes, common_changes
from gatewatch_analysis.blocking.targets import (
    by_category,
    by_isp,
    by_layer,
    everywhere_down,
    matrix,
)

__all__ = [
    "DISAGREE",
    "by_category",
    "by_country",
    "by_day",
    "by_domain",
    "by_isp",
    "by_layer",
    "changes",
    "common_changes",
    "consistency",
    "everywhere_down",
    "matrix",
    "settle",
]
