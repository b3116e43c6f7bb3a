"""What stands in for a missing control: the same target, seen from other vantages at the time."""

from gatewatch_analysis.controls.again import judge_again
from gatewatch_analysis.controls.witnesses import witnesses

__all__ = ["judge_again", "witnesses"]
