"""The acceptance scenarios put to gatewatch: what was asked, what had to be said, what was.

A case is one scenario on one ISP with one probe.  Its truth stands in the scenario's ``[acceptance]`` table;
for scenarios that :mod:`gatewatch.lab.scoring.combine` varies it is derived by that module's rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from gatewatch.lab.country.acceptance import Acceptance
from gatewatch.lab.country.scenario import ACCEPTANCE, Scenario, load, names
from gatewatch.lab.scoring.score import Row, Score, tally
from gatewatch.lab.scoring.trial import Given, Trial, attempt_all


class Case(NamedTuple):
    """What is asked: a trial, and for each of its probes what must be said."""

    name: str
    trial: Trial
    truths: dict[str, str]
    why: str
    ooni: str = ""
    variant: str = ""  # what was changed about the scenario, empty for the file's own


@dataclass(frozen=True, slots=True)
class Answer:
    """One probe's verdict on one case."""

    name: str
    isp: str
    probe: str
    url: str
    seed: int
    variant: str
    ooni: str
    truth: str
    verdict: str
    rule: str
    evidence: str
    why: str

    @property
    def right(self) -> bool:
        """Whether the verdict is the truth."""
        return self.verdict == self.truth


@dataclass(frozen=True, slots=True)
class Report:
    """All answers, their score, and what it took."""

    answers: tuple[Answer, ...]
    score: Score

    @property
    def wrong(self) -> tuple[Answer, ...]:
        """The answers that are not the truth."""
        return tuple(answer for answer in self.answers if not answer.right)

    def to_json(self) -> dict[str, Any]:
        """Give plain values for ``--json``."""
        return {"score": self.score.to_json(), "answers": [asdict(answer) for answer in self.answers]}


def every() -> tuple[str, ...]:
    """Name the acceptance scenarios, without their folder."""
    return tuple(name.partition("/")[2] for name in names(ACCEPTANCE))


def accepted(name: str) -> tuple[Scenario, Acceptance]:
    """Load an acceptance scenario by its short name, or any scenario file that has the table.

    Raises ScenarioError.
    """
    from gatewatch.lab.country.decode import ScenarioError

    scenario = load(f"{ACCEPTANCE}/{name}" if name in every() else name)
    if scenario.acceptance is None:
        raise ScenarioError(f"{name}: has no [acceptance] table")
    return scenario, scenario.acceptance


def plain(
    chosen: Sequence[str],
    *,
    seeds: Iterable[int] = (0,),
    loss: float | None = None,
    jitter: float | None = None,
) -> list[Case]:
    """The scenarios as their files have them, once for each ISP and seed; jitter in milliseconds."""
    cases = []
    for name in chosen:
        scenario, table = accepted(name)
        for isp in scenario.isps:
            truths = table.truths(isp.id)
            trial = Trial(scenario, isp.id, table.input, tuple(truths), loss=loss, jitter_ms=jitter)
            case = Case(name, trial, truths, table.why, table.ooni.label)
            cases += [case._replace(trial=trial._replace(seed=seed)) for seed in seeds]
    return cases


def examine(cases: Sequence[Case], jobs: int | None = None, name: str = ACCEPTANCE) -> Report:
    """Try every case, on all cores."""
    given = attempt_all([case.trial for case in cases], jobs)
    answers = tuple(
        _answer(case, said) for case, all_said in zip(cases, given, strict=True) for said in all_said
    )
    rows = [Row(_place(a), a.url, a.truth, a.why, a.verdict) for a in answers]
    return Report(answers, tally(name, rows))


def _place(answer: Answer) -> str:
    what = answer.variant or (f"seed {answer.seed}" if answer.seed else "")
    return " ".join(word for word in (answer.name, answer.isp, answer.probe, what) if word)


def _answer(case: Case, said: Given) -> Answer:
    trial = case.trial
    return Answer(
        name=case.name,
        isp=trial.isp,
        probe=said.probe,
        url=trial.url,
        seed=trial.seed,
        variant=case.variant,
        ooni=case.ooni if said.probe == "web" else "",
        truth=case.truths[said.probe],
        verdict=said.label,
        rule=said.rule,
        evidence=said.evidence,
        why=case.why,
    )


def table(report: Report) -> str:
    """Give a line for each scenario, ISP and probe: OONI's words, the truth, what was said, how often."""
    groups: dict[tuple[str, str, str], list[Answer]] = {}
    for answer in report.answers:
        groups.setdefault((answer.name, answer.isp, answer.probe), []).append(answer)
    several = {name for name, isp, _ in groups if sum(1 for n, i, _ in groups if n == name and i != isp)}
    lines = [f"  {'scenario':44}  {'probe':9}  {'OONI':18}  {'truth':30}  {'gatewatch':30}  right"]
    for (name, isp, probe), found in groups.items():
        right = sum(answer.right for answer in found)
        said = dict.fromkeys(answer.verdict for answer in sorted(found, key=lambda a: a.right))
        shown = f"{name} {isp}" if name in several else name
        lines.append(
            f"{' ' if right == len(found) else 'x'} {shown:44}  {probe:9}  {found[0].ooni:18}  "
            f"{found[0].truth:30}  {' '.join(said):30}  {right}/{len(found)}"
        )
    return "\n".join(lines)


def markdown() -> str:
    """Write the scenarios as a table for the documentation, with both columns of truth."""
    lines = ["| scenario | what | from | OONI: blocking/accessible | gatewatch |", "|---|---|---|---|---|"]
    for name in every():
        scenario, table = accepted(name)
        labels = [f"{probe}: `{label}`" for probe, label in table.gatewatch.items()]
        labels += [
            f"locate{f' on {locus.isp}' if locus.isp else ''}: `{locus.label}`" for locus in table.locus
        ]
        said = f"`{table.gatewatch['web']}`" if len(labels) == 1 else ", ".join(labels)
        lines.append(f"| `{name}` | {scenario.title} | {scenario.source} | {table.ooni.label} | {said} |")
    return "\n".join(lines) + "\n"
