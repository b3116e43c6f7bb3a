"""Verdicts held against the truth: scenarios tried, varied and counted."""
