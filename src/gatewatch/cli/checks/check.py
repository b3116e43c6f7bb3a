"""One check: what was looked at, whether it is well, what was found, and one suggestion where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatewatch.words import Phrase


@dataclass(frozen=True, slots=True)
class Check:
    """A row of the doctor's.  ``advice`` is there when it is not well; ``detail`` is for data alone."""

    what: Phrase
    ok: bool
    finding: Phrase
    advice: Phrase | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        if not self.ok and self.advice is None:
            raise ValueError(f"{self.what.english}: what is not well needs a suggestion")

    def to_json(self) -> dict[str, Any]:
        """Give the row in English, whatever is spoken."""
        return {
            "what": self.what.english,
            "ok": self.ok,
            "finding": self.finding.english,
            "advice": self.advice.english if self.advice and not self.ok else "",
            "detail": self.detail,
        }
