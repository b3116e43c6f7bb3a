"""What is told: findings, plain tables, pages."""

from gatewatch_analysis.report.overview import Analysis, analyse, to_json, to_text

__all__ = ["Analysis", "analyse", "to_json", "to_text"]
