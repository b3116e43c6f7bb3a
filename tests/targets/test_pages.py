from __future__ import annotations

from pathlib import Path

import pytest

from gatewatch_targets import pages

PAGE = Path(__file__).resolve().parents[2] / "docs/knowledge.md"


@pytest.mark.parametrize("mark", ["inventory", "countries", "carriers", "events", "baselines", "predictions"])
def test_the_page_tells_what_the_data_tells(mark: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = text.partition(f"<!-- {mark} -->\n")[2].partition(f"<!-- /{mark} -->")[0]
    assert written == getattr(pages, f"{mark}_markdown")(), "run: make docs"


def test_a_bar_in_a_text_ends_no_cell() -> None:
    assert pages._table(("a",), [("x|y",)]) == "| a |\n|---|\n| x\\|y |\n"
    assert pages._table(("a",), []) == ""
