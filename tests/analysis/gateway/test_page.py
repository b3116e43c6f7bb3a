"""The documentation shows the calibration as it is."""

from __future__ import annotations

from pathlib import Path

from gatewatch_analysis.gateway.calibration import CLASSES, calibration
from gatewatch_analysis.gateway.page import markdown

DOCS = Path(__file__).resolve().parents[3] / "docs" / "gateway.md"


def test_the_calibration_is_in_the_docs() -> None:
    assert markdown() in DOCS.read_text(encoding="utf-8"), "write it anew: python docs/tables.py"


def test_every_piece_and_every_class_is_shown() -> None:
    text = markdown()
    for name in calibration().pieces:
        assert f"**{name}**" in text
    assert text.count("| | " + " | ".join(CLASSES) + " |") == len(calibration().pieces)
