"""Saying a text in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewatch.words import catalogue, languages
from gatewatch.words.languages import LANGUAGES, Language

# The language in use; None until somebody chooses, or the first text is said.
_code: str | None = None


def use(code: str | None) -> None:
    """Speak this language from now on; None: whatever the environment says."""
    global _code
    _code = code


def language() -> Language:
    """The language in use."""
    global _code
    if _code is None:
        _code = languages.chosen()
    return LANGUAGES[_code]


def mark(text: str) -> str:
    """Give ``text`` as it is, and have it stand in the catalogues: :func:`worded` says it later."""
    return text


def worded(text: str, **given: object) -> str:
    """Say a text that was marked elsewhere.  Values that are text may come from anywhere, and are escaped."""
    return _filled(catalogue.load(language().code).gettext(text) if text else "", given)


def say(text: str, **given: object) -> str:
    """Say ``text``, a literal, with ``{name}`` filled in."""
    return worded(text, **given)


def count(one: str, many: str, n: int, **given: object) -> str:
    """Say how many: ``{n}`` stands for the number in both texts."""
    return _filled(catalogue.load(language().code).ngettext(one, many, n), {"n": n, **given})


def _filled(text: str, given: Mapping[str, object]) -> str:
    from gatewatch_targets.text import printable

    safe = {key: printable(value) if isinstance(value, str) else value for key, value in given.items()}
    return text.format_map(safe) if given else text


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text that is worded when it is shown: what a check found, why something was left out."""

    text: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return worded(self.text, **self.given)

    @property
    def english(self) -> str:
        """What it says in English, for records and --json: data do not change with the reader."""
        plain = {
            key: value.english if isinstance(value, Phrase) else value for key, value in self.given.items()
        }
        return _filled(self.text, plain)


def phrase(text: str, **given: object) -> Phrase:
    """Keep ``text``, a literal, and what is to be filled in."""
    return Phrase(text, given)
