"""Did ways abroad come to lead through one network at home, on which day, and what changed with it?

That ways lead through one place says nothing of filtering there; what the places of filters say before and
after stands beside it, and whether it is a gate is for :mod:`gatewatch_analysis.gateway` to weigh.
"""

from gatewatch_analysis.switch.found import Switched, switched

__all__ = ["Switched", "switched"]
