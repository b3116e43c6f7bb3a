"""gatewatch trace: the ways to one host, or to thousands at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch import cli
from gatewatch.cli import start

if TYPE_CHECKING:
    from gatewatch.net.tracing.agenda import Manner
    from gatewatch.net.tracing.tracer import Way

# Packets a second: three destinations at the pace of a traceroute, or many at that of a busy browser.
_RATE = 200.0
# Above this, one answer for each TTL will do, unless asked otherwise.
_FEW = 16
# More names and addresses than this are a mistake.
_MOST = 100_000
_PACKET = 40
_MEAN_LENGTH = 16
# Of thousands, a late answer costs less than waiting for all the silent ones (s).
_LEAST = 0.25


@dataclass(frozen=True)
class _Options:
    where: tuple[str, ...]
    protocol: str
    port: int | None
    rate: float
    max_ttl: int
    gap: int
    repeats: int | None
    multipath: float | None
    six: bool
    no_raw: bool
    plan_only: bool
    consent: str | None
    as_json: bool
    as_atlas: bool
    as_scamper: bool
    quiet: bool


@click.command()
@click.argument("where", nargs=-1, required=True, metavar="HOST|FILE...")
@click.option(
    "--protocol", "-P", type=click.Choice(["udp", "icmp", "tcp"]), default="udp", help="Default: udp."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Destination port.  [default: 33434; of tcp 443]")
@click.option(
    "--rate", type=click.FloatRange(1, 50_000), default=_RATE, help=f"Packets a second.  [default: {_RATE:g}]"
)
@click.option("--max-ttl", type=click.IntRange(1, 60), default=30, help="The furthest hop.  [default: 30]")
@click.option(
    "--gap", type=click.IntRange(1, 30), default=5, help="Silent hops that end a way.  [default: 5]"
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 20),
    help=f"Rounds.  [default: 3; 1 for more than {_FEW} destinations]",
)
@click.option(
    "--multipath",
    type=click.FloatRange(0.5, 0.999),
    metavar="CONFIDENCE",
    help="Find all branches, with this confidence at each hop, such as 0.95.",
)
@click.option("-6", "six", is_flag=True, help="Trace to the IPv6 addresses of names.")
@click.option("--no-raw", is_flag=True, help="Use no raw sockets, even where they are permitted.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--consent", help="For cron: the version of the text agreed to.", metavar="VERSION")
@click.option("--json", "as_json", is_flag=True, help="Print a measurement a line, first hops truncated.")
@click.option("--atlas", "as_atlas", is_flag=True, help="Print RIPE Atlas results.")
@click.option("--scamper", "as_scamper", is_flag=True, help="Print what scamper's sc_warts2json prints.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what is wrong.")
def trace(**given: Any) -> None:
    """Trace the ways to hosts, or to all in a file (- is stdin; a name or address a line).

    Paris traceroute: every packet of a way has the same addresses and ports.  Without privileges by the
    kernel's error queue, with CAP_NET_RAW by raw sockets.  A destination is asked for nothing; routers see an
    ordinary traceroute.  Exit code 1 when some destination could not be traced.
    """
    chosen = _Options(**given)
    if chosen.as_json + chosen.as_atlas + chosen.as_scamper > 1:
        raise click.UsageError("choose one of --json, --atlas and --scamper")
    names = _names(chosen.where)
    in_lab = "GATEWATCH_LAB" in os.environ
    if not chosen.quiet or chosen.plan_only:
        _show_plan(chosen, len(names))
    if chosen.plan_only:
        return
    if not in_lab:
        from gatewatch.cli.consent import given as consented

        if not consented(chosen.consent):
            sys.exit(cli.NO_CONSENT)
    sys.exit(_run(chosen, names))


def _names(where: Sequence[str]) -> list[str]:
    """Read hosts from the command line and from files; each once."""
    found: dict[str, None] = {}
    for word in where:
        if word == "-":
            lines = sys.stdin.read().splitlines()
        elif Path(word).is_file():
            lines = Path(word).read_text(encoding="utf-8", errors="replace").splitlines()
        else:
            lines = [word]
        found |= dict.fromkeys(line.split("#")[0].strip() for line in lines)
    found.pop("", None)
    if not found:
        raise click.UsageError("there is nothing to trace")
    if len(found) > _MOST:
        raise click.UsageError(f"{len(found)} destinations are more than {_MOST}")
    return list(found)


def _manner(chosen: _Options, count: int) -> Manner:
    from gatewatch.net.tracing.agenda import Manner
    from gatewatch.net.tracing.tracer import SINGLE

    repeats = chosen.repeats or (3 if count <= _FEW else 1)
    tries = max(repeats, 2)
    return Manner(
        max_ttl=chosen.max_ttl,
        gap=chosen.gap,
        repeats=repeats,
        tries=tries,
        rate=chosen.rate,
        least=SINGLE.least if count <= _FEW else _LEAST,
    )


def _show_plan(chosen: _Options, count: int) -> None:
    manner = _manner(chosen, count)
    # One packet with the full TTL, and of a way of usual length so many; all of them silent is the most.
    usual = count * (1 + _MEAN_LENGTH * manner.repeats)
    most = count * (1 + manner.max_ttl * manner.tries)
    to = (
        ""
        if chosen.protocol == "icmp"
        else f" to port {chosen.port or (443 if chosen.protocol == 'tcp' else 33434)}"
    )
    kind = {"udp": "UDP datagrams", "icmp": "ICMP echo requests", "tcp": "TCP SYNs"}[chosen.protocol]
    more = "" if chosen.multipath is None else "; multipath discovery multiplies that by up to 96"
    click.echo(
        f"{count} destination{'s' * (count != 1)}: about {usual} {kind} of {_PACKET} bytes{to}, "
        f"at most {most}, {chosen.rate:g} a second: about {usual / chosen.rate:.0f} s{more}.",
        err=True,
    )


def _run(chosen: _Options, names: list[str]) -> int:
    import trio

    from gatewatch.net.tracing.tracer import CannotTrace, Way

    start.to_the_network(captures=not chosen.no_raw)
    way = Way(chosen.protocol, chosen.port, raw=False if chosen.no_raw else None)  # type: ignore[arg-type] # click
    try:
        return trio.run(_trace, chosen, names, way)
    except CannotTrace as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        return cli.PARTIAL


async def _trace(chosen: _Options, names: list[str], way: Way) -> int:
    import trio

    from gatewatch.cli import trace_show
    from gatewatch.net.tracing import tracer

    addresses = await _resolved(names, six=chosen.six)
    targets = list(dict.fromkeys(addresses.values()))
    missing = len(names) - len(addresses)
    if not targets:
        return cli.NO_NETWORK
    began = trio.current_time()
    found = await tracer.trace(
        targets, way, _manner(chosen, len(names)), confidence=chosen.multipath, seed=os.getpid()
    )
    took = trio.current_time() - began
    by_address = dict(zip(targets, found, strict=True))
    asked: list[tuple[bool, trace_show.Form]] = [
        (chosen.as_json, "json"),
        (chosen.as_atlas, "atlas"),
        (chosen.as_scamper, "scamper"),
    ]
    form = next((form for wanted, form in asked if wanted), None)
    for name, address in addresses.items():
        for line in trace_show.lines(name, by_address[address], form, time.time() - took, took):
            click.echo(line)
    if not chosen.quiet:
        reached = sum(keys.reached for keys in found)
        click.echo(f"{len(found)} traced, {reached} reached, in {took:.1f} s.", err=True)
    return cli.PARTIAL if missing or any(keys.failure for keys in found) else cli.DONE


async def _resolved(names: list[str], *, six: bool) -> dict[str, str]:
    """Give an address for each name that has a public one of the family asked for."""
    import socket

    import trio

    from gatewatch.net.address import is_address, is_bogon
    from gatewatch_targets.text import printable

    found: dict[str, str] = {}
    limit = trio.CapacityLimiter(20)

    async def one(name: str) -> None:
        address: str | None = name if is_address(name) else None
        if address is None:
            async with limit:
                try:
                    entries = await trio.socket.getaddrinfo(
                        name, None, family=socket.AF_INET6 if six else socket.AF_INET
                    )
                    address = str(entries[0][4][0])
                except (OSError, UnicodeError):
                    pass
        if address is None or is_bogon(address):
            why = "no address" if address is None else f"{address} is no public address"
            click.echo(printable(f"{name}: {why}"), err=True)
        else:
            found[name] = address

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(one, name)
    return {name: found[name] for name in names if name in found}
