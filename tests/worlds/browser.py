"""A real browser without a screen: what it makes of a page, what it asks for, what it complains of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of opening a page: its tree after all scripts, hosts asked for, and console messages.

    Hosts include those that a browser asks for by itself: compare with a visit to an empty page.
    """

    dom: str
    asked: frozenset[str]
    console: tuple[str, ...]


def find() -> str:
    """Give the browser's path, or skip the test."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed: the page was read by a parser alone")
    return found


def visit(page: Path, tmp_path: Path, *options: str) -> Visit:
    """Open a page from disk; nothing else may be reached, and whatever is asked for is on record."""
    log = tmp_path / "net.json"
    shown = _run(page, tmp_path, f"--log-net-log={log}", "--dump-dom", *options)
    return Visit(shown.stdout, _asked(log), _console(shown.stderr))


def shoot(page: Path, tmp_path: Path, width: int, height: int, *options: str) -> Path:
    """Take a picture of a page."""
    picture = tmp_path / f"{page.stem}-{width}.png"
    _run(page, tmp_path, f"--window-size={width},{height}", f"--screenshot={picture}", *options)
    return picture


def _run(page: Path, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # As root there is no sandbox to be had; what is opened is our own file, and no name can be resolved.
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [
        *(find(), "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", *sandbox),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--enable-logging=stderr", "--v=0", *options, page.resolve().as_uri()),
    ]
    environment = {**os.environ, "HOME": str(tmp_path)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def _asked(log: Path) -> frozenset[str]:
    text = log.read_text(encoding="utf-8").rstrip().rstrip(",")
    try:
        events = json.loads(text)["events"]
    except ValueError:  # the log is not closed where the browser ends at once
        events = json.loads(text + "]}")["events"]
    urls = [urlsplit(str(event.get("params", {}).get("url", ""))) for event in events]
    return frozenset(str(url.hostname) for url in urls if url.scheme in ("http", "https", "ws", "wss"))


def _console(text: str) -> tuple[str, ...]:
    marks = (":CONSOLE", "Content Security Policy")
    return tuple(line for line in text.splitlines() if any(mark in line for mark in marks))
