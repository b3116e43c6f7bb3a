"""Why something was not measured, in words for people: run.json has the particulars."""

from __future__ import annotations

from gatewatch.words import mark, worded

_MACHINE = mark("this machine, and not the site, was in the way")
# By the beginning of what a campaign writes down (gatewatch.runner.campaign, gatewatch.net.restraint); the
# first that fits is taken.
_REASONS = (
    ("This machine ", _MACHINE),
    ("The network of this machine ", _MACHINE),
    ("took longer than", mark("it took too long")),
    ("could not run: stopped:", mark("you have stopped it")),
    ("could not run: a run may locate", mark("one run locates only so many sites")),
    ("could not run: all ", mark("a forbidden name is sent only so often")),
    ("could not run", mark("the test could not be run")),
    ("could not be stored", mark("the result could not be stored safely")),
    ("the run's time budget", mark("the time for this run was used up")),
    ("the run's byte budget", mark("the data volume for this run was used up")),
)
_OTHER = mark("for another reason")


def kind(why: str) -> str:
    """The text for a reason, in English as the catalogues have it."""
    return next((text for beginning, text in _REASONS if why.startswith(beginning)), _OTHER)


def reason(why: str) -> str:
    """Say why."""
    return worded(kind(why))
