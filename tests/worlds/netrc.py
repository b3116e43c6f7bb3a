"""A user whose ``~/.netrc`` has a login for every server there is."""

from __future__ import annotations

from pathlib import Path

import pytest


def everywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay such a file into a folder, and let libraries find it."""
    file = folder / "netrc"
    file.write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(file))
