"""Risk tiers in action: low by default, medium after consent, high one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from gatewatch.words import count, say

if TYPE_CHECKING:
    from gatewatch.cli.options import Options
    from gatewatch.runner.session import Session
    from gatewatch_targets import Target


def allowed(
    found: Sequence[Target], country: str, risk: str, high: Iterable[str], *, quiet: bool
) -> list[Target]:
    """Give the targets of a tier and below, and those that were named; says how many are left out."""
    from gatewatch_targets import Target, risk_in
    from gatewatch_targets.model import RISKS

    try:
        named = {Target(url).url for url in high}
    except ValueError as error:
        raise click.UsageError(f"--high: {error}") from None
    if missing := named - {target.url for target in found}:
        raise click.UsageError(f"--high: {min(missing)} is in none of the lists")
    tiers = RISKS[: RISKS.index(risk) + 1]
    kept = [t for t in found if t.url in named or risk_in(t, country) in tiers]
    left_out = len(found) - len(kept)
    if left_out and not quiet:
        click.echo(
            count(
                "{n} site of a higher risk than {risk} is left out.",
                "{n} sites of a higher risk than {risk} are left out.",
                left_out,
                risk=_named(risk),
            ),
            err=True,
        )
    return kept


def one_by_one(chosen: Options, targets: Sequence[Target], country: str) -> list[Target]:
    """Ask for each target of the high tier that was not named; where nobody can be asked it is left out."""
    from gatewatch.cli import asking
    from gatewatch_targets import Target, risk_in

    named = {Target(url).url for url in chosen.high}
    kept, left_out = [], 0
    for target in targets:
        wanted = target.url in named or risk_in(target, country) != "high"
        if not wanted and asking.can_ask():
            wanted = asking.agrees(
                say("High risk: measure {url}? It may be punished where you are.", url=target.url)
            )
        if wanted:
            kept.append(target)
        else:
            left_out += 1
    if left_out and not chosen.quiet:
        click.echo(
            count(
                "{n} site of high risk is left out. To measure one, name it: --high URL",
                "{n} sites of high risk are left out. To measure one, name it: --high URL",
                left_out,
            ),
            err=True,
        )
    return kept


def agree_to_medium(session: Session, chosen: Options) -> None:
    """See that there is consent for sites of more than low risk, if the plan has any, or leave."""
    from gatewatch import cli
    from gatewatch.cli.consent import MEDIUM, given
    from gatewatch_targets import risk_in

    # Who names an address on the command line has chosen it.
    items = () if chosen.urls else session.plan.items
    if any(risk_in(item.target, session.vantage.country) != "low" for item in items) and not given(
        chosen.medium_consent, MEDIUM
    ):
        sys.exit(cli.NO_CONSENT)


def _named(risk: str) -> str:
    return {"low": say("low"), "medium": say("medium")}.get(risk, risk)
