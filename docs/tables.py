"""Write the generated tables into their pages anew, between their marks."""

from __future__ import annotations

from pathlib import Path

from gatewatch.lab.scoring.examine import markdown
from gatewatch.verdict import features_markdown, rules_markdown
from gatewatch_analysis.gateway.page import markdown as calibration_markdown
from gatewatch_analysis.tables import markdown as analysis_markdown
from gatewatch_targets import pages

TABLES = (
    ("verdicts.md", "rules", rules_markdown),
    ("verdicts.md", "features", features_markdown),
    ("acceptance.md", "acceptance", markdown),
    ("analysis.md", "tables", analysis_markdown),
    ("gateway.md", "calibration", calibration_markdown),
    ("knowledge.md", "inventory", pages.inventory_markdown),
    ("knowledge.md", "countries", pages.countries_markdown),
    ("knowledge.md", "carriers", pages.carriers_markdown),
    ("knowledge.md", "events", pages.events_markdown),
    ("knowledge.md", "baselines", pages.baselines_markdown),
    ("knowledge.md", "predictions", pages.predictions_markdown),
)

for name, mark, write in TABLES:
    page = Path(__file__).with_name(name)
    before, start, rest = page.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    page.write_text(before + start + write() + end + after, encoding="utf-8")
