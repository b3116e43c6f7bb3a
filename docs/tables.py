"""Write the tables of rules and features into docs/verdicts.md anew, between their marks."""

from __future__ import annotations

from pathlib import Path

from gatewatch.verdict import features_markdown, rules_markdown

page = Path(__file__).with_name("verdicts.md")
text = page.read_text(encoding="utf-8")
for mark, table in (("rules", rules_markdown()), ("features", features_markdown())):
    before, start, rest = text.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    text = before + start + table + end + after
page.write_text(text, encoding="utf-8")
