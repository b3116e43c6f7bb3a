"""gatewatch probes: what can be measured, and how."""

from __future__ import annotations

import json
import sys
from inspect import getdoc

import click


@click.group()
def probes() -> None:
    """Show what can be measured, and how."""


@probes.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(as_json: bool) -> None:
    """Show the installed probes with the question that each answers."""
    from gatewatch.runner.probes import available, load

    rows = []
    for name, entry in available().items():
        probe = load(name)
        question = docstring(type(probe)).partition("\n")[0].partition(": ")[2]
        rows.append({"name": name, "question": question, "risk": probe.risk, "from": entry.value})
    if as_json:
        click.echo(json.dumps({"probes": rows}))
        return
    for row in rows:
        click.echo(f"{row['name']:<10} {row['question']}")


@probes.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, as_json: bool) -> None:
    """Show one probe: question, method, traffic, risk, reference.  NAME may be a Python file."""
    from gatewatch.runner.probes import NoSuchProbe, load

    try:
        probe = load(name)
    except NoSuchProbe as error:
        raise click.UsageError(str(error)) from None
    text = docstring(type(probe))
    if as_json:
        about = {"name": probe.name, "version": probe.version, "risk": probe.risk, "description": text}
        about["test_name"] = probe.test_name
        click.echo(json.dumps(about))
    else:
        click.echo(text)


def docstring(cls: type) -> str:
    """A probe's text stands at the top of its module."""
    return getdoc(sys.modules.get(cls.__module__, cls)) or getdoc(cls) or ""
