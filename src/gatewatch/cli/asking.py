"""Asking somebody at a terminal: always a choice of numbered answers, which every keyboard can type."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from gatewatch.words import layout, say

YES, NO = 0, 1


def can_ask() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def choose(question: str, answers: Sequence[str]) -> int | None:
    """Ask until one of the answers is given, by its number or as it is written; None when there is no answer.

    Digits of any script will do: Python reads those of Khmer, Devanagari and Thai as well.
    """
    click.echo(layout.filled(question), err=True)
    for number, answer in enumerate(answers, 1):
        click.echo(f"  {number}  {answer}", err=True)
    while True:
        try:
            typed = click.prompt(say("Type a number"), default="", show_default=False, err=True).strip()
        except click.Abort:
            # Ctrl-C or the end of the input: the rest of the line is not ours.
            click.echo(err=True)
            return None
        if typed.isdecimal() and 1 <= int(typed) <= len(answers):
            return int(typed) - 1
        for position, answer in enumerate(answers):
            if typed and typed.casefold() == answer.casefold():
                return position
        click.echo(say("Please type a number from 1 to {last}.", last=len(answers)), err=True)


def agrees(question: str) -> bool:
    """Ask a question that is answered by yes or no; no answer is no."""
    return choose(question, (say("Yes"), say("No"))) == YES
