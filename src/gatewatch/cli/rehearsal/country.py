"""All machines of a rehearsal, on as many cores as there are; they know nothing of one another."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("a rehearsal forks, which Windows cannot")

import csv
import os
import pickle
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gatewatch.cli.rehearsal.machine import Machine, Place, Tally

if TYPE_CHECKING:
    from gatewatch.lab.country.scenario import Scenario

#: The columns of a list (the Citizen Lab's), and of a timeline (docs/knowledge.md).
_LIST = ["url", "category_code", "category_description", "date_added", "source", "notes"]
_TIMELINE = ["id", "countries", "kind", "start", "end", "expects", "event", "signal", "confidence", "source"]


class Failed(RuntimeError):
    """A machine's own process broke down, not a run of it; the message says how."""


def able() -> bool:
    """Whether this system can rehearse: every run is a fork, which Windows has not."""
    return hasattr(os, "fork")


def furnish(scenario: Scenario, place: Place) -> None:
    """Lay out what machines and analysis need: lists, a folder to upload to, address plan, timeline."""
    rehearsal = scenario.rehearsal
    assert rehearsal is not None
    place.store.mkdir(parents=True, exist_ok=True)
    _rows(place.measured, _LIST, [[url, "NEWS", "", "", "", ""] for url in rehearsal.targets])
    _rows(place.located, _LIST, [[url, "NEWS", "", "", "", ""] for url in rehearsal.located])
    days = range(1, rehearsal.days + 1)
    plans = dict.fromkeys(line for day in days for line in scenario.on(day).prefixes_csv().splitlines())
    place.prefixes.write_text("".join(f"{line}\n" for line in plans), encoding="utf-8")
    foretold = [
        [
            *(event.id, scenario.country, "plan", rehearsal.date(event.day).isoformat(), "", event.expects),
            *(event.text, "as registered before the first measurement", "high", scenario.name),
        ]
        for event in sorted(rehearsal.events, key=lambda event: event.day)
    ]
    _rows(place.timeline, _TIMELINE, foretold)


def _rows(file: Path, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(heading)
        out.writerows(rows)


def _goes(config: Path, kind: str, address: str) -> None:
    """Write a machine's upload.toml."""
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f'[mine]\nkind = "{kind}"\nurl = "{address}"\nlab = true\n', encoding="utf-8")


def live(
    scenario: Scenario,
    lab: str,
    place: Place,
    collector: str,
    *,
    days: int,
    jobs: int,
    told: Callable[[str, Tally], None] = lambda _name, _tally: None,
) -> Tally:
    """Let every machine go through all its days; gives what became of the starts.

    ``lab`` is what ``--lab`` calls the scenario, ``collector`` an address: every other machine uploads there,
    the rest to a folder.  ``told`` hears of each machine that is through.
    """
    from gatewatch.lab.world import World

    rehearsal = scenario.rehearsal
    assert rehearsal is not None
    # One set of servers, and one authority: who blocks what is the way's business.
    world = World(scenario.on(days))
    machines = []
    for number, volunteer in enumerate(rehearsal.volunteers):
        same = sum(other.isp == volunteer.isp for other in rehearsal.volunteers[:number])
        if volunteer.first <= days:
            machines.append(Machine(scenario, world, volunteer, same + 1, place, days, lab))
    ways = (("store", place.store.resolve().as_uri()), ("collector", collector))
    for number, machine in enumerate(machines):
        _goes(place.config(machine.name), *ways[number % 2])
    machines[0].warm()
    whole = Tally()
    for name, tally in _spread(machines, jobs):
        whole.add(tally)
        told(name, tally)
    return whole


def _spread(machines: Sequence[Machine], jobs: int) -> list[tuple[str, Tally]]:
    """Share the machines out among forked workers, each of which takes the next one that nobody has."""
    queue, feed = os.pipe()
    parent = os.getpid()
    os.write(feed, bytes(range(len(machines))))
    os.close(feed)
    workers = []
    for _ in range(min(jobs, len(machines))):
        here, there = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(here)
                with os.fdopen(there, "wb") as out:
                    while number := os.read(queue, 1):
                        machine = machines[number[0]]
                        out.write(pickle.dumps((machine.name, machine.live(parent))))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(there)
        workers.append((pid, here))
    os.close(queue)
    found: list[tuple[str, Tally]] = []
    broken = 0
    for pid, here in workers:
        with os.fdopen(here, "rb") as stream:
            while stream.peek(1):
                found.append(pickle.load(stream))
        broken += os.waitpid(pid, 0)[1] != 0
    if broken:
        raise Failed(f"{broken} of {len(workers)} workers broke down; what they said stands above")
    return found
