"""Consent: what a run sends and who sees it, in words, agreed to before the first packet.

There are two, each asked by itself: a general one for every run, and one for locating, which the general one
never implies.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
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
LOCATE_VERSION = "2026-11-locate"
LOCATE_TEXT = """\
Locating finds out between which two routers a forbidden site is cut. That is more than a visit:
  - The forbidden name is sent on purpose, up to {triggers} times within minutes, for each of up to
    {targets} sites. Whoever watches sees somebody who insists, as no browser does.
  - Packets with a short life are sent as well. They are unusual, and look like probing.
  - The filter may go on blocking the site's server for minutes, for everybody behind your address.
  - Do not do it from a line that leads to you if insisting on a forbidden site could harm you.
  - To stop it at once: press Ctrl-C, or create the file {stop}
    No forbidden name is sent while that file exists.
"""


@dataclass(frozen=True, slots=True)
class Consent:
    """A text, its version, the file that keeps the answer, and the option that gives it unattended."""

    version: str
    text: str
    file: str
    option: str


GENERAL = Consent(VERSION, TEXT, "consent.json", "--consent")


def locating(triggers: int, targets: int) -> Consent:
    """The consent to locate, in the figures of this run."""
    text = LOCATE_TEXT.format(triggers=triggers, targets=targets, stop=stop_file())
    return Consent(LOCATE_VERSION, text, "consent-locate.json", "--locate-consent")


def state_folder() -> Path:
    """Where consent and the like are kept (XDG base directories)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gatewatch"


def stop_file() -> Path:
    """The kill switch: while this file exists, nothing is located."""
    return state_folder() / "stop"


def given(version: str | None, consent: Consent = GENERAL) -> bool:
    """Make sure of consent: ``version`` from the command line, what is on file, or a question asked."""
    file = state_folder() / consent.file
    if version == consent.version or _on_file(file, consent.version):
        return True
    if version is not None:
        click.echo(f"The consent text is now version {consent.version}, not {version}.", err=True)
        return False
    click.echo(consent.text, err=True)
    if not sys.stdin.isatty():
        click.echo(
            f"No consent was given. On unattended machines: {consent.option} {consent.version}", err=True
        )
        return False
    if not click.confirm("Do you understand this, and do you want to go on?", err=True):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"version": consent.version, "given": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    file.write_text(json.dumps(about), encoding="utf-8")
    return True


def _on_file(file: Path, version: str) -> bool:
    try:
        return bool(json.loads(file.read_text(encoding="utf-8")).get("version") == version)
    except (OSError, ValueError, AttributeError):
        return False
