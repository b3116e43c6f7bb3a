"""The languages that gatewatch speaks, and which of them somebody wants."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: The variable that chooses for gatewatch alone.
ENVIRONMENT = "GATEWATCH_LANG"
# gettext's order; LANGUAGE is a list of several, separated by colons.
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its ISO 639-1 code, its name and its word for "language", its name in English, its script.

    ``spaced``: words stand apart by spaces, so that a line may be broken at one.  Khmer and Thai are written
    without; a terminal breaks them where the line is full.
    """

    code: str
    name: str
    word: str
    english: str
    spaced: bool = True

    @property
    def translated(self) -> bool:
        """Whether there is a catalogue; English is what the source says."""
        return self.code != "en"


LANGUAGES: Mapping[str, Language] = {
    each.code: each
    for each in (
        Language("en", "English", "Language", "English"),
        Language("km", "ខ្មែរ", "ភាសា", "Khmer", spaced=False),
        Language("ne", "नेपाली", "भाषा", "Nepali"),
        Language("th", "ไทย", "ภาษา", "Thai", spaced=False),
        Language("ms", "Bahasa Melayu", "Bahasa", "Malay"),
    )
}


def known(text: str) -> str | None:
    """Read a language or a locale (``km``, ``km_KH.UTF-8``) as one of ours; None for any other."""
    code = re.split(r"[_.@-]", text.strip(), maxsplit=1)[0].lower()
    return code if code in LANGUAGES else None


def asked_for(environment: Mapping[str, str] = os.environ) -> str | None:
    """Read GATEWATCH_LANG; None where it is not set, or names none of ours."""
    return known(environment.get(ENVIRONMENT, ""))


def of_locale(environment: Mapping[str, str] = os.environ) -> str | None:
    """The language of the locale, if it is one of ours: the first variable that is set decides."""
    for variable in _VARIABLES:
        if value := environment.get(variable):
            return next((code for part in value.split(":") if (code := known(part))), None)
    return None


def _file() -> Path:
    from gatewatch.consent.ledger import state_folder

    return state_folder() / "language"


def remembered() -> str | None:
    """The language that was chosen from the list of `gatewatch consent`, if one was."""
    try:
        return known(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):
        # Also where the user has no home folder.
        return None


def remember(code: str) -> None:
    """Keep a choice for the commands to come."""
    from gatewatch.store.files import make_folder, replacing

    file = _file()
    make_folder(file.parent)
    with replacing(file) as out:
        out.write(f"{code}\n".encode())


def chosen(environment: Mapping[str, str] = os.environ) -> str:
    """Choose without being told: GATEWATCH_LANG, the language chosen before, the locale's, English."""
    return asked_for(environment) or remembered() or of_locale(environment) or "en"
