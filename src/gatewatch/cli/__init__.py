"""The front door: commands, loaded only when they are called."""

from __future__ import annotations

import click

from gatewatch import __version__
from gatewatch.cli import speaking
from gatewatch.cli.door import Door

#: Command, where it is defined, and its line in the overview (so that --help loads none of them).
COMMANDS = {
    "consent": ("gatewatch.cli.consent:consent", "Read what is sent and who sees it, and agree or not."),
    "run": ("gatewatch.cli.run:run", "Measure targets and keep the results."),
    "locate": ("gatewatch.cli.locate:locate", "Find the link on which a site is cut."),
    "demo": ("gatewatch.cli.demo:demo", "Measure an emulated Cambodia, in under a minute, without internet."),
    "doctor": ("gatewatch.cli.doctor:doctor", "Look at this machine and its line before measuring."),
    "analyse": (
        "gatewatch.cli.analyse:analyse",
        "Say what is blocked, how, and where paths leave.",
    ),
    "schedule": ("gatewatch.cli.schedule:schedule", "Have this machine measure by itself, again and again."),
    "dataset": ("gatewatch.cli.dataset:dataset", "Make Parquet datasets of measurements, for researchers."),
    "report": ("gatewatch.cli.report:report", "Write what a dataset says as one page that fetches nothing."),
    "results": ("gatewatch.cli.results:results", "List runs and show what they found."),
    "targets": ("gatewatch.cli.targets:targets", "Show and check target lists."),
    "update": ("gatewatch.cli.update:update", "Fetch lists, signs and tables that others publish."),
    "coverage": ("gatewatch.cli.coverage:coverage", "Say what can be measured of what the report names."),
    "probes": ("gatewatch.cli.probes:probes", "Show what can be measured, and how."),
    "trace": ("gatewatch.cli.trace:trace", "Trace the ways to one host or to thousands."),
    "helper": ("gatewatch.cli.helper:helper", "Run a test helper for probes elsewhere."),
    "completion": ("gatewatch.cli.completion:completion", "Let your shell complete commands and options."),
    "lab": ("gatewatch.cli.lab:lab", "Run in an emulated country, and score against its truth."),
}

#: Commands whose files are for others to read, too; all else that is written is its user's alone.
OPEN = frozenset({"analyse", "completion", "dataset", "helper", "lab", "report"})

#: Exit codes, the same for every command.
DONE, PARTIAL, USAGE, NO_CONSENT, NO_NETWORK, LOCKED = 0, 1, 2, 3, 4, 75


@click.group(cls=Door, commands_table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gatewatch")
@speaking.first
@click.pass_context
def main(context: click.Context) -> None:
    """Watch national internet gateways: what is blocked, how, at which hop, on every ISP or at one gate.

    Exit codes: 0 done (a block is a finding, not an error), 1 partial, 2 usage, 3 no consent, 4 no network,
    75 another run holds the lock.
    """
    if context.invoked_subcommand in OPEN:
        from gatewatch.net import privilege

        privilege.public_files()
