"""Verdicts against the truth: a confusion table with counts, and every mistake by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.country.truth import truth


@dataclass(frozen=True, slots=True)
class Cell:
    """How many URLs whose truth is one label were given another (or the same) one."""

    truth: str
    verdict: str
    count: int


class Row(NamedTuple):
    """One URL on one ISP: what had to be found, why, and what was."""

    isp: str
    url: str
    truth: str
    reason: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """One URL on one ISP whose verdict differs from the truth, and why the truth is what it is."""

    isp: str
    url: str
    truth: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """The comparison: counts of URLs, the confusion table (largest cells first), all mistakes."""

    scenario: str
    total: int
    right: int
    false_alarms: int  # called blocked or tampered, but the truth is neither
    missed: int  # the truth is blocked or tampered, but it was called neither
    abstained: int  # inconclusive
    cells: tuple[Cell, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def perfect(self) -> bool:
        """Whether every verdict equals its truth, and there was at least one."""
        return 0 < self.total == self.right

    def to_json(self) -> dict[str, Any]:
        """Give the score as plain values for ``--json``."""
        return asdict(self)

    def format_table(self, mistakes: int = 10) -> str:
        """Give the table for people: a line per pair of labels, then the first few mistakes."""
        wide = max((len(cell.truth) for cell in self.cells), default=5)
        narrow = max((len(cell.verdict) for cell in self.cells), default=7)
        lines = [f"  {'truth':{wide}}  {'verdict':{narrow}}  count"]
        for cell in self.cells:
            mark = " " if cell.truth == cell.verdict else "x"
            lines.append(f"{mark} {cell.truth:{wide}}  {cell.verdict:{narrow}}  {cell.count:5d}")
        share = f" ({self.right / self.total:.2%})" if self.total else ""
        lines.append(
            f"{self.right} of {self.total} right{share}; {self.false_alarms} false alarms, "
            f"{self.missed} missed, {self.abstained} inconclusive"
        )
        for wrong in self.mistakes[:mistakes]:
            lines.append(f"  {wrong.isp} {wrong.url}: {wrong.verdict}, but {wrong.truth} ({wrong.reason})")
        if len(self.mistakes) > mistakes:
            lines.append(f"  ... and {len(self.mistakes) - mistakes} more")
        return "\n".join(lines)


def score(scenario: Scenario, verdicts: Iterable[tuple[str, str, str]]) -> Score:
    """Compare (ISP id, URL, verdict label) rows with the scenario's truth.

    A label is a verdict as printed: `ok`, `down`, `blocked(dns.nxdomain)`, `inconclusive(no_control)` and so
    on; it is right only when it is the very label of the truth.
    """
    rows = []
    for isp, url, verdict in verdicts:
        expected = truth(scenario, isp, url)
        rows.append(Row(isp, url, expected.label, expected.reason, verdict))
    return tally(scenario.name, rows)


def tally(name: str, rows: Iterable[Row]) -> Score:
    """Count rows whose truth is known already."""
    table: Counter[tuple[str, str]] = Counter()
    mistakes = []
    for row in rows:
        table[row.truth, row.verdict] += 1
        if row.verdict != row.truth:
            mistakes.append(Mistake(row.isp, row.url, row.truth, row.verdict, row.reason))
    return Score(
        scenario=name,
        total=table.total(),
        right=sum(count for (want, got), count in table.items() if want == got),
        false_alarms=sum(n for (want, got), n in table.items() if _alarm(got) and not _alarm(want)),
        missed=sum(n for (want, got), n in table.items() if _alarm(want) and not _alarm(got)),
        abstained=sum(n for (_, got), n in table.items() if got.startswith("inconclusive")),
        cells=tuple(Cell(*pair, count) for pair, count in sorted(table.items(), key=lambda i: (-i[1], i[0]))),
        mistakes=tuple(mistakes),
    )


def _alarm(label: str) -> bool:
    return label.startswith(("blocked", "tampered"))
