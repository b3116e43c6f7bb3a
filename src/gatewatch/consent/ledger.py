"""What was agreed to: a file for each consent, with version, date, language, and the law that was shown."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatewatch.consent import laws
from gatewatch.consent.texts import Consent

# No country is known of this line (ISO 3166-1 leaves it to users).
NOWHERE = "ZZ"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a consent stands: ``version`` agreed to (None: none), when, and whether it is good for this run."""

    version: str | None
    when: str | None
    good: bool


def state_folder() -> Path:
    """Where consent and the like are kept (XDG base directories)."""
    # The specification says to ignore a relative path: consent would be another's in every folder.
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    state = given if given.is_absolute() else Path.home() / ".local" / "state"
    return state / "gatewatch"


def stop_file() -> Path:
    """The kill switch: while this file exists, nothing is located."""
    return state_folder() / "stop"


def standing(consent: Consent, country: str = NOWHERE) -> Standing:
    """Look up a consent, for a run in a country.

    It is good when its text is still the same, and so is the law that was shown of that country: who agreed
    in Malaysia has not read what holds in Thailand.  A run that does not say where it is asks for no law.
    """
    about = _read(state_folder() / consent.file)
    version, when = about.get("version"), about.get("given")
    if not isinstance(version, str):
        return Standing(None, None, False)
    shown = about.get("laws")
    law = laws.digest(country)
    read = not law or consent.name != "general" or (isinstance(shown, dict) and shown.get(country) == law)
    return Standing(version, when if isinstance(when, str) else None, version == consent.version and read)


def keep(consent: Consent, country: str, language: str) -> None:
    """Write down that somebody agrees, now, having been shown the law of this country.

    Raises StoreFull and OSError; what was agreed to before then stands.
    """
    from gatewatch.store.files import make_folder, write_json

    file = state_folder() / consent.file
    make_folder(file.parent)
    before = _read(file)
    shown = before.get("laws") if before.get("version") == consent.version else None
    about = {
        "version": consent.version,
        "given": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "language": language,
        "digest": consent.digest,
        "laws": {**(shown if isinstance(shown, dict) else {}), country: laws.digest(country)},
    }
    # In one step: a death half way must not cost the consent that was there.
    write_json(file, about)


def withdraw(*consents: Consent) -> list[Path]:
    """Take consents back; gives the files that are gone."""
    gone = []
    for consent in consents:
        file = state_folder() / consent.file
        if file.exists():
            file.unlink()
            gone.append(file)
    return gone


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
