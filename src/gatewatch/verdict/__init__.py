"""What one measurement says: features, a table of rules, and the verdict they give."""

from gatewatch.verdict.decide import decisive
from gatewatch.verdict.export.ooni import classic_keys, derived_keys
from gatewatch.verdict.features import Features, features_markdown
from gatewatch.verdict.judge import Verdict, judge, judge_features, ruling
from gatewatch.verdict.reading import features
from gatewatch.verdict.rule import Rule
from gatewatch.verdict.rules import RULES, RULES_VERSION, rules_markdown

__all__ = [
    "RULES",
    "RULES_VERSION",
    "Features",
    "Rule",
    "Verdict",
    "classic_keys",
    "decisive",
    "derived_keys",
    "features",
    "features_markdown",
    "judge",
    "judge_features",
    "rules_markdown",
    "ruling",
]
