"""Nothing that a stranger wrote is carried out, rendered, or taken for a line of ours, by any command.

Every command that there is stands in one of two tables: how it is made to show what strangers wrote, or why
it never does.  What they wrote: tests/worlds/strangers.py.  How it may come out: tests/worlds/marker.py.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click
import pytest
from tests.worlds import marker, strangers
from tests.worlds.commands import fell, here
from tests.worlds.marker import WORD
from tests.worlds.terminal import Person

from gatewatch.cli.pages import contexts

pytest.importorskip("pandas", reason="pandas is not installed: the analysis prints nothing")

OURS = {
    "gatewatch consent": "shows texts of ours, and answers of whoever sits at the machine",
    "gatewatch demo": "measures the lab's Cambodia, and prints what `analyse all` prints",
    "gatewatch schedule install": "prints what it was told on the command line",
    "gatewatch schedule remove": "prints names of files that it wrote itself",
    "gatewatch coverage": "prints tables that come with the program",
    "gatewatch probes list": "prints docstrings of installed probes",
    "gatewatch probes show": "prints the docstring of an installed probe, or of a file that was named",
    "gatewatch completion": "prints a script of click's",
    "gatewatch lab list": "prints the scenarios that come with the program",
    "gatewatch lab score": "prints verdicts on the scenarios that come with the program",
    "gatewatch targets list": "prints counts of the lists that come with the program",
}
LAB = ("--lab", "small:clear", "--attach", "memory", "--seed", "1", "--traces", "1")
STRANGE = "\x1b[35;5;7m[bold red]" + WORD


def shown(world: strangers.World) -> dict[str, list[tuple[str, ...]]]:
    """How each command is made to show what strangers wrote."""
    runs, others, targets = str(world.runs), str(world.others), str(world.targets)
    root = ("--root", runs)
    prefixes = ("--prefixes", str(world.prefixes))
    dataset, merged = str(world.folder / "of.dataset"), str(world.folder / "merged.dataset")
    stranger = "20240501T120000Z-abcdef"
    odd = str(world.folder / f"{STRANGE}.csv")
    shutil.copy(world.targets, odd)
    sources = (runs, others, str(world.country))
    return {
        "gatewatch run": [
            ("run", "--plan", "--targets", targets, "--country", "KH"),
            ("run", "--targets", targets, *LAB, "--limit", "4", "--root", str(world.folder / "lab")),
            (
                "run",
                "--targets",
                targets,
                *LAB,
                "--limit",
                "4",
                "--root",
                str(world.folder / "lab"),
                *prefixes,
            ),
            ("run", "--plan", "--targets", odd, "--probe", f"{STRANGE}.py"),
            ("run", "--resume", str(world.runs / stranger), *LAB),
            ("run", STRANGE),
        ],
        "gatewatch locate": [
            ("locate", "--from", stranger, "--plan", *root),
            ("locate", "--from", stranger, *root, *LAB[:4]),
            ("locate", "--from", STRANGE, *root),
            ("locate", f"https://a.example/{STRANGE}", "--plan"),
        ],
        "gatewatch doctor": [("doctor",)],
        "gatewatch analyse all": [("analyse", "all", *sources, *prefixes)],
        "gatewatch analyse blocking": [("analyse", "blocking", dataset)],
        "gatewatch analyse events": [("analyse", "events", dataset)],
        "gatewatch analyse gateway": [("analyse", "gateway", dataset)],
        "gatewatch analyse cables": [("analyse", "cables", str(world.country))],
        "gatewatch analyse hosting": [("analyse", "hosting", dataset, "--by", "week")],
        "gatewatch analyse shutdown": [("analyse", "shutdown", dataset)],
        "gatewatch schedule status": [("schedule", "status", *root)],
        "gatewatch dataset build": [
            ("dataset", "build", dataset, *sources),
            ("dataset", "build", dataset, odd),
        ],
        "gatewatch dataset info": [("dataset", "info", dataset), ("dataset", "info", odd)],
        "gatewatch dataset merge": [("dataset", "merge", merged, dataset), ("dataset", "merge", merged, odd)],
        # The page itself has tests of its own below.
        "gatewatch report": [("report", odd, "-o", str(world.folder / f"{STRANGE}.html"))],
        "gatewatch results list": [("results", "list", *root)],
        "gatewatch results show": [
            *(("results", "show", run, *root) for run in ("latest", stranger)),
            ("results", "show", STRANGE, *root),
        ],
        "gatewatch results summary": [
            *(
                ("results", "summary", stranger, *root, "--lang", code)
                for code in ("en", "km", "ne", "th", "ms")
            ),
            ("results", "summary", "latest", *root),
        ],
        "gatewatch results export": [
            ("results", "export", "--parquet", "--all", "-o", str(world.folder / "export.dataset"), *root),
            ("results", "export", "--csv", STRANGE, *root),
        ],
        "gatewatch results delete": [
            ("results", "delete", STRANGE, *root),
            ("results", "delete", "--all", "--yes", "--root", str(world.folder / "copy")),
        ],
        "gatewatch targets check": [("targets", "check", targets), ("targets", "check", odd)],
        "gatewatch targets show": [("targets", "show", targets), ("targets", "show", STRANGE)],
        "gatewatch targets cables": [("targets", "cables", "--file", str(world.cables))],
        "gatewatch trace": [("trace", "--plan", targets), ("trace", "--plan", STRANGE)],
        "gatewatch lab run": [
            (
                *("lab", "run", "small", "--isp", "clear", "--attach", "memory", "--targets", odd),
                *("--limit", "2", "--root", str(world.folder / "many")),
            ),
            ("lab", "run", STRANGE),
            ("lab", "run", str(world.scenario)),
        ],
    }


def leaves() -> dict[str, click.Command]:
    """All commands that do something."""
    return {c.command_path: c.command for c in contexts() if not isinstance(c.command, click.Group)}


#: Those that strangers are behind a connection of: tested by name below.
CONNECTED = {
    "gatewatch helper serve",
    "gatewatch results upload",
    "gatewatch update",
    "gatewatch targets pull",
}


def test_every_command_is_here(world: strangers.World) -> None:
    assert set(leaves()) == set(OURS) | set(shown(world)) | CONNECTED
    assert not set(OURS) & set(shown(world))


def test_what_a_command_prints_steers_nothing(world: strangers.World) -> None:
    bad: dict[str, tuple[object, ...]] = {}
    spoke: set[str] = set()
    # What is built first is there for the others.
    for command, many in sorted(shown(world).items(), key=lambda each: each[0] != "gatewatch dataset build"):
        as_json = any("--json" in param.opts for param in leaves()[command].params)
        for words in many:
            forms = [words, (*words, "--json")] if as_json else [words]
            for form in forms:
                if form[-1] == "--json" and command in ("gatewatch dataset build", "gatewatch dataset merge"):
                    # Built anew, so that there is something to say.
                    form = tuple(f"{word}2" if word.endswith(".dataset") else word for word in form)
                got = here(*form)
                wrong = fell(got) + marker.steers(got.stderr)
                wrong += (marker.steers_json if form[-1] == "--json" else marker.steers)(got.stdout)
                if wrong:
                    bad[" ".join(map(ascii, form))[-150:]] = (len(wrong), *wrong[:3])
                if WORD in got.output:
                    spoke.add(command)
    assert bad == {}
    # It is no empty ritual: these have shown something that a stranger wrote.
    counts = {"doctor", "analyse events", "analyse hosting", "schedule status", "trace"}
    assert set(shown(world)) - spoke <= {f"gatewatch {name}" for name in counts}


def test_on_a_terminal(world: strangers.World, tmp_path: Path) -> None:
    """Rich draws there: nothing of a stranger's becomes a colour, a link, or a command to the terminal."""
    pytest.importorskip("pexpect", reason="pexpect, which drives the terminal, is not installed")
    # So wide that nothing is broken, or it could not be looked for.
    who = Person(tmp_path / "home", columns=20_000, GATEWATCH_LANG="en", GATEWATCH_RESULTS=str(world.runs))
    stranger = "20240501T120000Z-abcdef"
    for command in ("list", f"show {stranger}", f"show {stranger} --raw --target //t13.", "summary"):
        who.types(f"gatewatch results {command}")
        # What rich and we use: bold, faint, italic, and colours by their numbers.
        mine = re.sub(r"\x1b\[(?:0|1|2|3|22|23|38;5;\d+|39)?m", "", who.raw).replace("\r\n", "\n")
        assert marker.steers(mine, len(mine)) == [], command
        # Words in brackets are words.
        assert "[bold red]" in mine or command == "summary"
    who.types(f"gatewatch run --targets {world.targets} --root {tmp_path} {' '.join(LAB)} --limit 4")
    moves = r"\x1b\[(?:\d*[ABGK]|\?25[lh]|0|1|2|3|22|23|38;5;\d+|39)?m?|\r"
    assert marker.steers(re.sub(moves, "", who.raw)) == [] and "What was found" in who.raw
