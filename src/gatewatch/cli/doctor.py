"""gatewatch doctor: this machine and its line, before measuring."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

import click

from gatewatch import cli


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(as_json: bool) -> None:
    """Look at this machine and its line: what works, what does not, and what to do about it.

    Sends a few packets to public resolvers and connectivity pages; asks for no site.
    """
    rows = [*_line(), *_machine(), *_data()]
    if as_json:
        click.echo(json.dumps({"checks": rows}))
    else:
        for row in rows:
            click.echo(f"{'ok' if row['ok'] else '!!'}  {row['what']}: {row['finding']}")
            if not row["ok"] and row["advice"]:
                click.echo(f"    {row['advice']}")
    if not rows[0]["ok"]:
        sys.exit(cli.NO_NETWORK)


def _row(what: str, ok: bool, finding: str, advice: str = "") -> dict[str, Any]:
    return {"what": what, "ok": ok, "finding": finding, "advice": advice}


def _line() -> list[dict[str, Any]]:
    import trio

    from gatewatch.net.wire import Wire
    from gatewatch.runner.line import Line, Look, has_route, has_route6

    wire = Wire()

    async def look() -> Look:
        return await Line(wire, has_route, has_route6).look()

    seen = trio.run(look)
    rows = [_row("network", seen.up, seen.reason, "Check the cable, the Wi-Fi or the login page.")]
    if seen.clock_offset is not None:
        # Certificates are valid by date, and measurements of two vantages are joined by time.
        right = abs(seen.clock_offset) < 30
        rows.append(
            _row("clock", right, f"{seen.clock_offset:+.0f} s against a web server", "Set the clock by NTP.")
        )
    rows.append(_row("IPv6", True, "works" if wire.ipv6 else "does not work; only IPv4 will be measured"))
    resolvers = wire.own_resolvers
    rows.append(
        _row(
            "resolver",
            bool(resolvers),
            ", ".join(resolvers) or "none found in resolv.conf",
            "See resolv.conf(5).",
        )
    )
    return rows


def _machine() -> list[dict[str, Any]]:
    from gatewatch.lab import rehearse
    from gatewatch.net import capture, errqueue, quic
    from gatewatch.net.tracing import raw
    from gatewatch.store import default_root

    how = "raw sockets may be used" if raw.permitted() else "works without privileges, by UDP and TCP"
    rows = [_row("traceroute", errqueue.AVAILABLE, how if errqueue.AVAILABLE else "needs Linux")]
    why = capture.why()
    rows.append(
        _row("deep mode", not why, why or "packets can be captured", "Only needed for locate --deep.")
    )
    try:
        quic.require()
        rows.append(_row("QUIC", True, "handshakes can be made"))
    except quic.Unavailable as error:
        rows.append(_row("QUIC", False, str(error), "Only needed for the probe quic."))
    try:
        rows.append(_row("lab", True, rehearse.choose("auto")[1]))
    except rehearse.NoLab as error:
        rows.append(_row("lab", False, str(error), "Only needed to rehearse."))
    root = default_root()
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    # A run of 2,000 web targets with bodies takes about 100 MB before it is compressed.
    enough = free > 500_000_000
    rows.append(_row("disk", enough, f"{free / 1e9:.1f} GB free", "Free some space, or use --root."))
    return rows


def _data() -> list[dict[str, Any]]:
    """Data sets of others and their age; without any everything works, with less."""
    from datetime import UTC, datetime

    from gatewatch.update import Shelf, datasets
    from gatewatch_targets import DataError

    try:
        known = datasets()
    except (DataError, OSError) as error:
        return [_row("data", False, f"the configuration cannot be read: {error}", "See docs/update.md.")]
    shelf, now = Shelf(), datetime.now(UTC)
    here = list(shelf.everything())
    if not here:
        return [_row("data", True, "no data sets of others are here; `gatewatch update` fetches them")]
    rows = []
    for found in here:
        age = found.age(now)
        days = known[found.name].days if found.name in known else 90
        whole = shelf.whole(found)
        finding = f"{found.entries:,} entries of {found.date[:10]}, checked {age:.0f} days ago"
        if not whole:
            finding = "is damaged, and not used"
        rows.append(
            _row(f"data {found.name}", whole and age <= days, finding, f"gatewatch update {found.name}")
        )
    return rows
