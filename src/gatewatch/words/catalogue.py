"""The catalogues that come along, one for each language but English."""

from __future__ import annotations

from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path

from gatewatch.words.languages import LANGUAGES

FOLDER = Path(__file__).with_name("catalogues")


def path(code: str) -> Path:
    """Where a language's catalogue lies."""
    return FOLDER / f"{code}.po"


@lru_cache
def load(code: str) -> NullTranslations:
    """Give the translations of a language; for English, those that say what the source says."""
    if code not in LANGUAGES or not LANGUAGES[code].translated:
        return NullTranslations()
    from gatewatch.words import po

    return po.translations(po.read(path(code).read_text(encoding="utf-8")))
