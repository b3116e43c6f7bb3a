"""What a session would send, said before anything is: hosts, packets, bytes, time, and every site."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import click

from gatewatch.words import count, layout, mark, numbers, say, worded

if TYPE_CHECKING:
    from gatewatch.net.restraint import Restraint
    from gatewatch.runner.probes import Probe
    from gatewatch.runner.session import Session

#: The risk tiers in words.
TIERS = {"low": mark("low risk"), "medium": mark("medium risk"), "high": mark("high risk")}
# Kinds of packets that probes of ours count (their ``traffic``); a stranger's are shown as they are.
_KINDS = {
    "triggers": mark("at most {n} packets with a forbidden name"),
    "controls": mark("at most {n} packets to compare with"),
    "sweep packets": mark("at most {n} packets to find the way"),
    "DNS questions": mark("at most {n} questions to name servers"),
}


def show(session: Session, as_json: bool) -> None:
    """Say what a session would send; nothing is sent for that."""
    about = _about(session)
    if as_json:
        click.echo(json.dumps({**about, "plan": session.plan.to_json()}))
        return
    click.echo(
        count("{n} measurement", "{n} measurements", about["items"])
        + ", "
        + count("{n} site", "{n} sites", about["hosts"])
        + ". "
        + say("Nothing has been sent.")
    )
    sums = say(
        "It would send about {packets} packets, move about {size}, and take at least {time}.",
        packets=about["packets"],
        size=numbers.size(about["bytes"]),
        time=numbers.duration(about["seconds"]),
    )
    click.echo(layout.filled(sums))
    for name, row in about["traffic"].items():
        each = "; ".join(_kinds(row))
        click.echo(layout.bullet(f"{name}: {count('{n} site', '{n} sites', row['targets'])}; {each}"))
    click.echo()
    for line in _sites(session):
        click.echo(line)


def _about(session: Session) -> dict[str, Any]:
    plan, probes = session.plan, session.probes
    counts = Counter(item.probe for item in plan.items)
    traffic: dict[str, Any] = {}
    for name in plan.probes:
        probe = probes[name]
        # A stranger's probe need not count its packets; full ones then make a lower bound.
        packets = getattr(probe, "typical_packets", None)
        traffic[name] = {
            "targets": counts[name],
            "packets_each": packets,
            "bytes_each": probe.typical_bytes,
            "most_each": _most(probe, session.restraint),
        }
    return {
        "items": len(plan.items),
        "hosts": len({item.target.host for item in plan.items}),
        "packets": sum(
            row["targets"] * (row["packets_each"] or -(-row["bytes_each"] // _FULL))
            for row in traffic.values()
        ),
        "bytes": sum(row["targets"] * row["bytes_each"] for row in traffic.values()),
        "seconds": round(len(plan.items) / session.rate),
        "traffic": traffic,
    }


# Bytes of a full packet on Ethernet (RFC 894).
_FULL = 1500


def _most(probe: Probe, restraint: Restraint) -> dict[str, int]:
    """The most packets of each kind that one target takes, as far as a probe says so."""
    kinds = dict(getattr(probe, "traffic", {}))
    if getattr(probe, "consent", ""):
        spare = kinds["controls"] // kinds["triggers"]
        kinds["controls"] += spare * max(0, restraint.triggers - kinds["triggers"])
        kinds["triggers"] = restraint.triggers
    return kinds


def _kinds(row: dict[str, Any]) -> list[str]:
    """Say what each site takes."""
    said = [
        say("about {packets} packets each", packets=row["packets_each"])
        if row["packets_each"]
        else say("it does not say how many packets")
    ]
    for kind, most in row["most_each"].items():
        said.append(worded(_KINDS[kind], n=most) if kind in _KINDS else f"{kind}: {most}")
    return said


def _sites(session: Session) -> list[str]:
    """Every site once, in the order in which it is first asked for, with its probes and its risk."""
    from gatewatch_targets import printable, risk_in

    probes: dict[str, list[str]] = defaultdict(list)
    risks: dict[str, str] = {}
    for item in session.plan.items:
        probes[item.target.url].append(item.probe)
        risks[item.target.url] = risk_in(item.target, session.vantage.country)
    # The address first: whatever script follows, the addresses stand in one column.
    return [
        f"{printable(url)}  ({printable(', '.join(names))}; {worded(TIERS[risks[url]])})"
        for url, names in probes.items()
    ]
