"""The option --lang, and the language menu of those who were not asked before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from gatewatch.words import LANGUAGES, languages, say, use


def _chosen(_context: click.Context, _option: click.Parameter, code: str | None) -> None:
    if code is not None:
        use(code)


def _begun(_context: click.Context, _option: click.Parameter, code: str | None) -> None:
    # Also without the option: what an earlier call in this process spoke is no choice of this one's.
    use(code)


def _option(callback: Callable[[click.Context, click.Parameter, str | None], None]) -> Callable[..., Any]:
    return click.option(
        "--lang",
        type=click.Choice(list(LANGUAGES)),
        callback=callback,
        expose_value=False,
        is_eager=True,
        help="Language of what is said to people.  [env: GATEWATCH_LANG; default: the locale's]",
    )


#: Gives a command the option; the language is in use before anything else is read.
option = _option(_chosen)
#: The same for the front door.
first = _option(_begun)


def settled() -> bool:
    """Whether somebody said which language to speak, on the command line, by a variable, or before."""
    context: click.Context | None = click.get_current_context(silent=True)
    while context is not None:
        source = context.get_parameter_source("lang")
        if source is not None and source is not click.core.ParameterSource.DEFAULT:
            return True
        context = context.parent
    return (languages.asked_for() or languages.remembered()) is not None


def menu() -> bool:
    """Let somebody choose the language by its own name, and keep that for later; False without an answer."""
    from gatewatch.cli import asking

    # In all of them, since nobody knows yet which of them is read.
    question = " / ".join(each.word for each in LANGUAGES.values())
    answer = asking.choose(question, [each.name for each in LANGUAGES.values()])
    if answer is None:
        return False
    code = list(LANGUAGES)[answer]
    use(code)
    languages.remember(code)
    return True


def caution() -> None:
    """Say, where a language is chosen, that no native speaker has looked at the translation yet."""
    from gatewatch.words import language, layout

    if language().translated:
        click.echo(
            layout.filled(
                say(
                    "This translation needs review by a native speaker. Where it is unclear, read the "
                    "English text: add --lang en to the command."
                )
            ),
            err=True,
        )
        click.echo(err=True)


def writable() -> None:
    """Fall back to English where the terminal's encoding has no letters for the language in use."""
    from gatewatch.words import language

    for stream in (sys.stdout, sys.stderr):
        try:
            language().name.encode(getattr(stream, "encoding", None) or "utf-8")
        except (UnicodeEncodeError, LookupError):
            use("en")
            return
