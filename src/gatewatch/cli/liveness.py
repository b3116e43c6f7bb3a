"""Asking test helpers whether the sites of a list are alive: nothing goes to the sites from this line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import start

if TYPE_CHECKING:
    from gatewatch.net.wire import Wire
    from gatewatch.runner.session import Surroundings
    from gatewatch.verdict.alive import Look
    from gatewatch_targets import Target

# Starts a second, and questions under way: a helper serves many, and each question makes it fetch a page.
_RATE, _AT_ONCE = 2.0, 6


def check(targets: Sequence[Target], helpers: tuple[str, ...], lab: str | None, as_json: bool) -> int:
    """Look at all targets, print a report that only suggests, and give the exit code."""
    import trio

    from gatewatch.cli.consent import given
    from gatewatch.runner.line import has_route, has_route6
    from gatewatch.runner.session import Surroundings
    from gatewatch_targets import helpers as known

    surroundings = Surroundings()
    if lab is not None:
        surroundings = _lab(lab)
    elif not (has_route() or has_route6()):
        click.echo("There is no network: this machine has no route to the outside.", err=True)
        return cli.NO_NETWORK
    elif not given(None):
        # Nothing goes to the sites, but helpers see this line and the list.
        return cli.NO_CONSENT
    chosen = helpers or tuple(helper.url for helper in known())
    click.echo(f"Asking test helpers about {len(targets)} sites; the sites see the helpers only.", err=True)
    start.to_the_network()
    looks: dict[str, Look] = trio.run(_ask_all, surroundings, targets, chosen, clock=surroundings.clock)
    rows = [(target, looks[target.url]) for target in targets]
    if as_json:
        listed = [{"url": t.url, "category": t.category, **asdict(look)} for t, look in rows]
        click.echo(json.dumps({"targets": listed, "states": _counts(rows)}))
    else:
        _print(rows)
    if all(look.state == "not known" for _, look in rows):
        click.echo("No helper answered: nothing is known of any of them.", err=True)
        return cli.NO_NETWORK
    return cli.PARTIAL if any(look.state == "not known" for _, look in rows) else cli.DONE


def _counts(rows: Iterable[tuple[Target, Look]]) -> Mapping[str, int]:
    return dict(Counter(look.state for _, look in rows).most_common())


def _print(rows: Sequence[tuple[Target, Look]]) -> None:
    from gatewatch_targets import printable

    for target, look in rows:
        if look.state != "alive":
            click.echo(printable(f"{look.state}: {target.url} ({', '.join(look.signs)})"))
            if look.suggestion:
                click.echo(f"    {look.suggestion}")
    click.echo("; ".join(f"{count} {state}" for state, count in _counts(rows).items()))


async def _ask_all(
    surroundings: Surroundings, targets: Sequence[Target], helpers: tuple[str, ...]
) -> dict[str, Look]:
    import trio

    from gatewatch.net.url import parse
    from gatewatch.verdict.alive import look
    from gatewatch.verdict.evidence import control
    from gatewatch_probes.resolve import Found
    from gatewatch_probes.visit.control import Helpers, request_for

    looks: dict[str, Look] = {}
    async with surroundings.enter() as wire, trio.open_nursery() as nursery:
        wire.helpers = helpers
        asked = Helpers()
        slots = trio.Semaphore(_AT_ONCE)

        async def one(target: Target) -> None:
            async with slots:
                heard = await asked.ask(_plain(wire), request_for(parse(target.url), Found()))
            keys: dict[str, Any] = {"control": heard.answer, "control_failure": heard.failure}
            looks[target.url] = look(control.read(keys))

        for target in targets:
            nursery.start_soon(one, target)
            await trio.sleep(1 / _RATE)
    return looks


def _plain(wire: Wire) -> Wire:
    # A helper inside the country may be under the censor, whom this is not about.
    wire.domestic_helpers = ()
    return wire


def _lab(name: str) -> Surroundings:
    from gatewatch.lab import rehearse
    from gatewatch.lab.country.decode import ScenarioError

    scenario, colon, isp = name.rpartition(":")
    if not colon:
        raise click.UsageError("--lab takes SCENARIO:ISP, such as kh-2024:metfone")
    try:
        return rehearse.in_memory(scenario, isp)[0]
    except (ScenarioError, LookupError) as error:
        raise click.UsageError(str(error.args[0])) from None
