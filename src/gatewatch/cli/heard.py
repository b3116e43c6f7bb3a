"""Saying something when perhaps nobody is there any more: a closed terminal, a pipe without a reader.

What was measured lies on the disk by then, so neither ends a run nor changes its exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewatch.cli.progress import Quiet

if TYPE_CHECKING:
    from gatewatch.runner.plan import Item
    from gatewatch.verdict import Verdict


@contextmanager
def perhaps() -> Iterator[None]:
    """Say something; nothing more is said where that fails, and nothing is raised."""
    try:
        yield
    except OSError:
        # EPIPE of a pipe, EIO of a terminal, ENOSPC of a file that stderr goes to.  What is left in the
        # buffers would fail once more at the end and make the exit code 120.
        for name in ("stdout", "stderr"):
            try:
                getattr(sys, name).flush()
            except (OSError, ValueError, AttributeError):
                # Open for as long as the process.
                setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


class Perhaps(Quiet):
    """An observer that goes on counting, in silence, when what it says cannot be written any more."""

    def __init__(self, made: Callable[[], Quiet]) -> None:
        super().__init__()
        self._watching: Quiet | None = None
        with perhaps():
            # Some say something at once.
            self._watching = made()

    def _say(self, what: Callable[..., None], *about: Any) -> None:
        if self._watching is None:
            return
        try:
            what(self._watching, *about)
        except OSError:
            self._watching = None
            with perhaps():
                raise

    def started(self, total: int, done: int) -> None:
        """Pass it on."""
        super().started(total, done)
        self._say(lambda one, *about: one.started(*about), total, done)

    def began(self, item: Item) -> None:
        """Pass it on."""
        self._say(lambda one, *about: one.began(*about), item)

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Count, and pass it on."""
        super().measured(item, verdict)
        self._say(lambda one, *about: one.measured(*about), item, verdict)

    def skipped(self, item: Item, why: str) -> None:
        """Pass it on."""
        self._say(lambda one, *about: one.skipped(*about), item, why)

    def paused(self, reason: str) -> None:
        """Pass it on."""
        self._say(lambda one, *about: one.paused(*about), reason)

    def resumed(self) -> None:
        """Pass it on."""
        self._say(lambda one: one.resumed())

    def close(self) -> None:
        """Pass it on."""
        self._say(lambda one: one.close())
