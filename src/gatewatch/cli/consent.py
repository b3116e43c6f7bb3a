"""gatewatch consent: what is sent, who sees it, the law, what is stored; two questions, then yes or no."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from gatewatch import cli
from gatewatch.cli import asking, speaking
from gatewatch.consent import (
    GENERAL,
    LOCATE_VERSION,
    MEDIUM,
    MEDIUM_VERSION,
    VERSION,
    Consent,
    laws,
    ledger,
    locating,
    state_folder,
    stop_file,
)
from gatewatch.net.restraint import TARGETS, TRIGGERS
from gatewatch.words import language, layout, say, worded

__all__ = [
    "GENERAL",
    "LOCATE_VERSION",
    "MEDIUM",
    "MEDIUM_VERSION",
    "VERSION",
    "consent",
    "given",
    "locating",
    "state_folder",
    "stop_file",
]


@click.command()
@click.option("--country", metavar="CC", default="", help="The country whose law is shown: KH, NP, TH, MY.")
@click.option("--show", "only_show", is_flag=True, help="Show the text and ask nothing.")
@click.option("--sources", is_flag=True, help="Show where what is said of the law is from.")
@click.option("--withdraw", is_flag=True, help="Take back whatever was agreed to.")
@click.option("--yes", is_flag=True, help="For unattended machines: agree, with --consent-version.")
@click.option(
    "--consent-version",
    metavar="VERSION",
    help="The version of the text that you have read; with --show, of the one to read.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: what was agreed to.")
@speaking.option
def consent(
    country: str,
    only_show: bool,
    sources: bool,
    withdraw: bool,
    yes: bool,
    consent_version: str | None,
    as_json: bool,
) -> None:
    """Read what a run sends, who sees it, the law, and what is stored; then agree, or not.

    Nothing is measured before.  Who agreed is asked anew when the text changes, or the law of the country.
    """
    speaking.writable()
    country = country.upper() or ledger.NOWHERE
    if yes:
        _unattended(consent_version, country)
    elif consent_version is not None and not only_show:
        raise click.UsageError("--consent-version belongs to --yes or --show")
    elif withdraw:
        _withdrawn()
    elif sources:
        _sources(country)
    elif only_show:
        speaking.caution()
        text = GENERAL if consent_version is None else _of(consent_version)
        _show(text, country, err=False)
        click.echo(say("This is version {version} of the text.", version=text.version))
    elif as_json:
        click.echo(json.dumps(_state(country)))
    elif not _attended(country):
        sys.exit(cli.NO_CONSENT)


def _attended(country: str) -> bool:
    now = ledger.standing(GENERAL, country)
    if now.good:
        click.echo(
            say(
                "You agreed to this text, version {version}, on {date}.", version=VERSION, date=_day(now.when)
            ),
            err=True,
        )
        click.echo(say("To read it: {command}", command="gatewatch consent --show"), err=True)
        click.echo(say("To take it back: {command}", command="gatewatch consent --withdraw"), err=True)
        return True
    if not given(None, country=country):
        return False
    click.echo(err=True)
    _show(MEDIUM, country, err=True)
    if asking.agrees(say("Do you also want to measure sites of medium risk?")):
        ledger.keep(MEDIUM, country, language().code)
    click.echo(say("Your answers are kept. Next: {command}", command="gatewatch doctor"), err=True)
    return True


def given(version: str | None, consent: Consent = GENERAL, country: str = ledger.NOWHERE) -> bool:
    """Make sure of consent: ``version`` from the command line, what is on file, or a question asked."""
    if version == consent.version or (version is None and ledger.standing(consent, country).good):
        return True
    if version is not None:
        _out_of_date(consent, version)
        return False
    if not asking.can_ask():
        _show(consent, country, err=True)
        click.echo(
            say(
                "No consent was given, so nothing is sent. On unattended machines: {option} {version}",
                option=consent.option,
                version=consent.version,
            ),
            err=True,
        )
        return False
    return _asked(consent, country)


def _asked(consent: Consent, country: str) -> bool:
    if not speaking.settled() and not speaking.menu():
        _left()
    speaking.caution()
    if consent is GENERAL:
        if country == ledger.NOWHERE:
            country = _place()
        before = ledger.standing(consent, country)
        if before.version is not None:
            click.echo(
                layout.filled(say("The text has changed since you agreed to it. Please read it again.")),
                err=True,
            )
            click.echo(err=True)
    _show(consent, country, err=True)
    for number, question in enumerate(consent.questions, 1):
        _put(
            number,
            len(consent.questions),
            worded(question.statement),
            question.true,
            worded(question.because),
        )
    if not asking.agrees(say("Have you understood this, and do you agree?")):
        _left()
    ledger.keep(consent, country, language().code)
    return True


def _place() -> str:
    """Ask where somebody measures; ZZ when it is none of the countries whose law is described."""
    from gatewatch_targets.countries import countries

    names = [worded(countries()[code].name) for code in laws.KNOWN]
    answer = asking.choose(say("Where are you?"), [*names, say("Somewhere else")])
    if answer is None:
        _left()
    return laws.KNOWN[answer] if answer < len(laws.KNOWN) else ledger.NOWHERE


def _left() -> NoReturn:
    """End the command: whoever leaves a question, by Ctrl-C or the end of the input, has not agreed."""
    click.echo(say("You did not agree. Nothing was sent, and nothing was kept."), err=True)
    sys.exit(cli.NO_CONSENT)


def _put(number: int, of: int, statement: str, true: bool, because: str) -> None:
    """Put a question until it is answered as it is; a wrong answer is explained."""
    while True:
        click.echo(err=True)
        asked = say(
            "Question {number} of {of}. Is this true? {statement}", number=number, of=of, statement=statement
        )
        answer = asking.choose(asked, (say("True"), say("False")))
        if answer is None:
            _left()
        if (answer == asking.YES) == true:
            click.echo(say("That is right."), err=True)
            click.echo(err=True)
            return
        click.echo(layout.filled(because), err=True)


def _show(consent: Consent, country: str, *, err: bool) -> None:
    """Print a text; the law stands before what is stored."""
    filling = {"folder": _folder()} if consent is GENERAL else consent.given
    for section in consent.sections:
        click.echo(worded(section.title), err=err)
        for line in section.lines:
            click.echo(layout.bullet(worded(line, **filling)), err=err)
        click.echo(err=err)
    if consent is GENERAL:
        click.echo(laws.heading(country), err=err)
        for line in laws.lines(country):
            click.echo(layout.bullet(line), err=err)
        click.echo(err=err)


def _folder() -> str:
    from gatewatch.store import default_root
    from gatewatch.summary.facts import tidy

    return tidy(default_root())


def _of(version: str) -> Consent:
    """Give the text of a version; leaves where there is none, as after a change."""
    for each in _all():
        if each.version == version:
            return each
    _out_of_date(GENERAL, version)
    sys.exit(cli.NO_CONSENT)


def _unattended(version: str | None, country: str) -> None:
    if version is None:
        known = ", ".join(each.version for each in _all())
        raise click.UsageError(f"--yes needs --consent-version: one of {known}")
    found = _of(version)
    if found is not GENERAL and not ledger.standing(GENERAL, country).good:
        raise click.UsageError(f"first the text for every run: --yes --consent-version {VERSION}")
    ledger.keep(found, country, language().code)
    click.echo(say("Kept: you agree to version {version}.", version=version), err=True)


def _out_of_date(consent: Consent, version: str) -> None:
    click.echo(
        say("The consent text is now version {now}, not {before}.", now=consent.version, before=version),
        err=True,
    )


def _withdrawn() -> None:
    gone = ledger.withdraw(*_all())
    for file in gone:
        click.echo(say("Deleted: {file}", file=str(file)), err=True)
    click.echo(say("You agree to nothing now; nothing will be measured."), err=True)
    click.echo(
        layout.filled(
            say("Results are kept. To delete them: {command}", command="gatewatch results delete --all"),
            whole="gatewatch results delete --all",
        ),
        err=True,
    )


def _sources(country: str) -> None:
    for source in laws.sources(country):
        click.echo(worded(source.about))
        for where in source.where:
            click.echo(f"    {where}")


def _all() -> tuple[Consent, ...]:
    return (GENERAL, MEDIUM, locating(TRIGGERS, TARGETS))


def _state(country: str) -> dict[str, Any]:
    return {each.name: dict(_one(each, country)) for each in _all()}


def _one(consent: Consent, country: str) -> Iterator[tuple[str, Any]]:
    now = ledger.standing(consent, country)
    yield "text", consent.version
    yield "agreed", now.version
    yield "when", now.when
    yield "good", now.good


def _day(when: str | None) -> str:
    return (when or "?")[:10]
