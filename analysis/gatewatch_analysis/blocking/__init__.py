"""What is blocked: by ISP, by layer and method, by category and day."""

from gatewatch_analysis.blocking.targets import (
    DISAGREE,
    by_category,
    by_isp,
    by_layer,
    everywhere_down,
    matrix,
)

__all__ = ["DISAGREE", "by_category", "by_isp", "by_layer", "everywhere_down", "matrix"]
