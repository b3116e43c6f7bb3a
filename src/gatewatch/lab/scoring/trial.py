"""One scenario tried out: a whole session of ``gatewatch run`` in memory, and the verdicts that it gave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from gatewatch.lab import rehearse
from gatewatch.lab.country.acceptance import LOCATE
from gatewatch.lab.country.scenario import ACCEPTANCE, Scenario, load
from gatewatch.lab.kernel import environment
from gatewatch.runner.observer import Observer
from gatewatch.runner.plan import Item, Plan
from gatewatch.runner.probes import available
from gatewatch.runner.probes import load as probe
from gatewatch.runner.session import Outcome, Session, conduct
from gatewatch.store import read
from gatewatch.verdict import Verdict
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_targets import Target, helpers

#: What is written where a probe gave no verdict.
NOT_MEASURED = "not measured"
NO_PROBE = "no such probe"
# A session whose line is a portal's measures nothing, and says so in this word.
_PORTAL = "inconclusive(captive_portal)"


class Trial(NamedTuple):
    """What is to be tried: a scenario (its name, or itself), a URL, the probes, the seed of all chance."""

    scenario: str | Scenario
    isp: str
    url: str
    probes: tuple[str, ...]
    seed: int = 0
    loss: float | None = None
    jitter_ms: float | None = None
    attach: str = "memory"  # or kernel: the scenario as its file has it, in real time


class Given(NamedTuple):
    """What one probe made of it: the label, the deciding rule and its evidence, emulated seconds."""

    probe: str
    label: str
    rule: str = ""
    evidence: str = ""


@dataclass
class _Listener(Observer):
    """Keeps the verdicts of a session."""

    verdicts: dict[str, Verdict | None] = field(default_factory=dict)
    skips: dict[str, str] = field(default_factory=dict)

    def started(self, total: int, done: int) -> None:
        pass

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        self.verdicts[item.id] = verdict

    def skipped(self, item: Item, why: str) -> None:
        self.skips[item.id] = why

    def paused(self, reason: str) -> None:
        pass

    def resumed(self) -> None:
        pass


def attempt(trial: Trial) -> tuple[Given, ...]:
    """Run the session of one trial; a probe that is not installed gives the label ``no such probe``."""
    if trial.attach == "kernel":
        return _through_the_kernel(trial)
    scenario = prepared(trial)
    known = [name for name in trial.probes if name in available()]
    target = Target(trial.url)
    items = tuple(Item(name, name, target) for name in known)
    surroundings, vantage = rehearse.in_memory(scenario, trial.isp)
    listener = _Listener()
    with tempfile.TemporaryDirectory(prefix="gatewatch-trial-") as folder:
        session = Session(
            root=Path(folder),
            plan=Plan(items, trial.seed, "2024-01-01T00:00:00Z"),
            probes={name: probe(name) for name in known},
            vantage=vantage,
            helpers=tuple(helper.url for helper in helpers()),
            surroundings=surroundings,
            whereabouts=_table(surroundings.files["prefixes.csv"]),
        )
        outcome = conduct(session, listener)
        given = tuple(_given(name, outcome, listener) for name in trial.probes)
        lines = [json.loads(line) for line in read(outcome.folder)] if outcome.folder else []
    return tuple(_located(g, lines) if g.probe == LOCATE and g.rule else g for g in given)


def _located(given: Given, lines: list[dict[str, Any]]) -> Given:
    """Put the place that was found in the place of a verdict."""
    for line in lines:
        if line["test_name"] == LOCATE:
            rows = line["test_keys"].get("x_gatewatch_locate", ())
            found = next((row for row in rows if row["before"] is not None), None)
            if found is not None:
                evidence = f"{found['signature']} by {found['method']}, {found['triggers']} triggers"
                label = f"{found['place']} [{found['before']},{found['after']}]"
                return given._replace(label=label, evidence=evidence)
            return given._replace(label=f"cannot tell ({'; '.join(row['reason'] for row in rows)})")
    return given


def _table(csv: bytes) -> PrefixTable:
    """The scenario's own address plan, in which nothing is wrong."""
    return PrefixTable(parse_prefixes(csv.decode().splitlines(), lambda line, why: None))


def prepared(trial: Trial) -> Scenario:
    """Give the trial's scenario with its seed, loss and jitter."""
    scenario = load(trial.scenario) if isinstance(trial.scenario, str) else trial.scenario
    isps = tuple(
        replace(
            isp,
            loss=isp.loss if trial.loss is None else trial.loss,
            jitter_ms=isp.jitter_ms if trial.jitter_ms is None else trial.jitter_ms,
        )
        for isp in scenario.isps
    )
    return replace(scenario, isps=isps, seed=trial.seed)


def _given(name: str, outcome: Outcome, listener: _Listener) -> Given:
    if name not in available():
        return Given(name, NO_PROBE)
    if outcome.state == "no_network":
        return Given(name, _PORTAL if "portal" in outcome.reason else NOT_MEASURED, "", outcome.reason)
    verdict = listener.verdicts.get(name)
    if verdict is None:
        return Given(name, NOT_MEASURED, "", listener.skips.get(name, outcome.reason))
    return Given(name, verdict.label, verdict.rule, " ".join(verdict.evidence))


def _through_the_kernel(trial: Trial) -> tuple[Given, ...]:
    """Run ``gatewatch run`` in namespaces, and read what it stored."""
    name = trial.scenario if isinstance(trial.scenario, str) else f"{ACCEPTANCE}/{trial.scenario.name}"
    known = [probe for probe in trial.probes if probe in available()]
    with tempfile.TemporaryDirectory(prefix="gatewatch-trial-") as folder:
        targets = Path(folder, "targets.txt")
        targets.write_text(f"{trial.url}\n", encoding="utf-8")
        command = [sys.executable, "-P", "-m", "gatewatch", "run", "--json", "--quiet"]
        command += ["--targets", str(targets)]
        command += ["--lab", f"{name}:{trial.isp}", "--attach", "kernel", "--root", str(Path(folder, "runs"))]
        command += [word for probe in known for word in ("--probe", probe)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        try:
            about = json.loads(done.stdout)
            lines = [json.loads(line) for line in read(Path(about["folder"]))] if about["folder"] else []
        except ValueError:
            about, lines = {"state": "failed", "reason": done.stderr.strip()[-200:]}, []
    found = {line["test_name"]: line.get("x_gatewatch_verdict") for line in lines}
    outcome = Outcome(about["state"], about["reason"], None, len(lines))
    answers = []
    for name in trial.probes:
        verdict = found.get(probe(name).test_name) if name in known else None
        if verdict is None:
            answers.append(_given(name, outcome, _Listener()))
        else:
            answers.append(Given(name, verdict["label"], verdict["rule"], " ".join(verdict["evidence"])))
    return tuple(_located(g, lines) if g.probe == LOCATE and g.rule else g for g in answers)


def attempt_all(trials: list[Trial], jobs: int | None = None) -> list[tuple[Given, ...]]:
    """Run many trials, in as many processes as there are cores, in the order given."""
    jobs = min(jobs or os.cpu_count() or 1, len(trials))
    if jobs <= 1:
        return [attempt(trial) for trial in trials]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(attempt, trials, chunksize=max(1, len(trials) // (jobs * 8))))
