"""Risk tiers in action: low by default, medium after consent, high one by one."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from gatewatch.words import count, say

if TYPE_CHECKING:
    from gatewatch.cli.options import Options
    from gatewatch.runner.session import Session
    from gatewatch_targets import Target


class Tiers:
    """Lets targets through by their tier, and counts by tier what it leaves out."""

    def __init__(self, chosen: Options, country: str, risk: str) -> None:
        from gatewatch_targets import Target

        self._country, self._risk, self._quiet = country, risk, chosen.quiet
        self.left_out: Counter[str] = Counter()
        try:
            self._named = {Target(url).url for url in chosen.high}
        except ValueError as error:
            raise click.UsageError(f"--high: {error}") from None

    def allowed(self, found: Sequence[Target]) -> list[Target]:
        """Give the targets of the tier and below, and those that were named; says how many are left out."""
        from gatewatch_targets.model import RISKS

        if missing := self._named - {target.url for target in found}:
            raise click.UsageError(f"--high: {min(missing)} is in none of the lists")
        tiers = RISKS[: RISKS.index(self._risk) + 1]
        kept = [t for t in found if t.url in self._named or self._tier(t) in tiers]
        if left_out := len(found) - len(kept):
            self.left_out += Counter(self._tier(t) for t in found) - Counter(self._tier(t) for t in kept)
            self._say(
                count(
                    "{n} site of a higher risk than {risk} is left out.",
                    "{n} sites of a higher risk than {risk} are left out.",
                    left_out,
                    risk=say("low") if self._risk == "low" else say("medium"),
                )
            )
        return kept

    def one_by_one(self, targets: Sequence[Target]) -> list[Target]:
        """Ask for each target of the high tier that was not named; without anybody to ask it is left out."""
        from gatewatch.cli import asking

        kept = []
        for target in targets:
            wanted = target.url in self._named or self._tier(target) != "high"
            if not wanted and asking.can_ask():
                wanted = asking.agrees(
                    say("High risk: measure {url}? It may be punished where you are.", url=target.url)
                )
            if wanted:
                kept.append(target)
        if left_out := len(targets) - len(kept):
            self.left_out["high"] += left_out
            self._say(
                count(
                    "{n} site of high risk is left out. To measure one, name it: --high URL",
                    "{n} sites of high risk are left out. To measure one, name it: --high URL",
                    left_out,
                )
            )
        return kept

    def _tier(self, target: Target) -> str:
        from gatewatch_targets import risk_in

        return risk_in(target, self._country)

    def _say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)


def agree_to_medium(session: Session, chosen: Options) -> None:
    """See that there is consent for sites of more than low risk, if the plan has any, or leave."""
    from gatewatch import cli
    from gatewatch.cli.consent import MEDIUM, given

    if above_low(session, chosen) and not given(chosen.medium_consent, MEDIUM):
        sys.exit(cli.NO_CONSENT)


def above_low(session: Session, chosen: Options) -> bool:
    """Whether the plan has sites of more than low risk that nobody named one by one."""
    from gatewatch_targets import risk_in

    # Who names an address on the command line has chosen it.
    items = () if chosen.urls else session.plan.items
    return any(risk_in(item.target, session.vantage.country) != "low" for item in items)
