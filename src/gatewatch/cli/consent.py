"""Consent: what a run sends and who sees it, in words, agreed to before the first packet."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

#: Changes whenever the text does; then everybody is asked anew.
VERSION = "2026-11"
TEXT = """\
gatewatch asks for web sites, some of which may be forbidden or embarrassing where you are.
  - Your internet provider, and whoever watches it, can see which sites you ask for.
  - Public DNS resolvers and test helpers outside the country see the names, and your address, too.
  - In some countries measuring censorship can put you at risk. If that may be yours, do not go on
    before you have talked to somebody whom you trust and who knows the law there.
  - Results stay on this machine. Your own address is not stored. Nothing is uploaded.
"""


def state_folder() -> Path:
    """Where consent and the like are kept (XDG base directories)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gatewatch"


def given(version: str | None) -> bool:
    """Make sure of consent: ``version`` from the command line, what is on file, or a question asked."""
    file = state_folder() / "consent.json"
    if version == VERSION or _on_file(file):
        return True
    if version is not None:
        click.echo(f"The consent text is now version {VERSION}, not {version}.", err=True)
        return False
    click.echo(TEXT, err=True)
    if not sys.stdin.isatty():
        click.echo(f"No consent was given. On unattended machines: --consent {VERSION}", err=True)
        return False
    if not click.confirm("Do you understand this, and do you want to go on?", err=True):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"version": VERSION, "given": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    file.write_text(json.dumps(about), encoding="utf-8")
    return True


def _on_file(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_text(encoding="utf-8")).get("version") == VERSION)
    except (OSError, ValueError, AttributeError):
        return False
