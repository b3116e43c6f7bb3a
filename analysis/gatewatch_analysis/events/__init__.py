"""What happened when: the timeline's events, dates at which nothing happened, and predictions of before."""

from gatewatch_analysis.events.answers import event_answers
from gatewatch_analysis.events.interrupted import interruptions
from gatewatch_analysis.events.joint import joint_changes
from gatewatch_analysis.events.predicted import evaluate
from gatewatch_analysis.events.series import by_target, counted, series

__all__ = ["by_target", "counted", "evaluate", "event_answers", "interruptions", "joint_changes", "series"]
