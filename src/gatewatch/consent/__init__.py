"""Consent: what a run sends and who sees it, the law, two questions, and what was agreed to."""

from gatewatch.consent.ledger import Standing, standing, state_folder, stop_file
from gatewatch.consent.texts import (
    GENERAL,
    LOCATE_VERSION,
    MEDIUM,
    MEDIUM_VERSION,
    VERSION,
    Consent,
    Question,
    Section,
    locating,
)

__all__ = [
    "GENERAL",
    "LOCATE_VERSION",
    "MEDIUM",
    "MEDIUM_VERSION",
    "VERSION",
    "Consent",
    "Question",
    "Section",
    "Standing",
    "locating",
    "standing",
    "state_folder",
    "stop_file",
]
