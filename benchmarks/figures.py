"""All benchmarks one after another, their results kept, and the page of figures made of what is kept.

``python -m benchmarks`` runs them; ``python -m benchmarks.figures`` only writes the page anew.  Each
benchmark has a process of its own, and one that fails or whose peer is missing stops nobody.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.labrun import environment

ROOT = Path(__file__).resolve().parents[1]
KEPT, PAGE = ROOT / "docs" / "figures.json", ROOT / "docs" / "figures.md"
#: Seconds after which a benchmark is ended: quick ones end within 45 on a machine of their own.
QUICK_TIME, WHOLE_TIME = 300.0, 3 * 3600.0
_WORDS_SHOWN = 200
_MARKS = str.maketrans({"|": "/", "<": "&lt;", "*": "\\*", "_": "\\_", "`": "'", "[": "(", "]": ")"})
_HEAD = """# Figures

What every benchmark printed when it was last run. Each is a command of its own, `python -m benchmarks NAME`
(`--quick`: fewer rounds, most within 45 seconds). `python -m benchmarks --quick --write` runs all of them and
writes this page; with `--only a,b` the others' figures stay.

**The noise of the machine is wide.** Most figures were taken on two shared cores while others worked on them:
a rate may be half of what a quiet machine gives, and a goal that is missed by a little may be met there. Only
a ratio of figures taken in turns, with its spread from round to round (least to most), says which of two is
faster. A peer is what the same work costs by other means; a ratio is ours divided by the peer's, whether more
or less is better.

Measured on: {machines}.

| benchmark | figure | ours | peer | ratio | spread | goal | met? |
|---|---|---|---|---|---|---|---|
"""
_FOOT = """
| benchmark | what it measures | when | commit | how | seconds |
|---|---|---|---|---|---|
"""


def run(name: str, *, quick: bool) -> dict[str, Any]:
    """Run one benchmark in its own process; what went wrong is under ``failed``."""
    command = [sys.executable, "-m", "benchmarks", name, "--json", *(["--quick"] if quick else [])]
    limit = QUICK_TIME if quick else WHOLE_TIME
    began = time.monotonic()
    about: dict[str, Any] = {"benchmark": name, "quick": quick, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
        about |= _last_object(done.stdout) or {"failed": _last_line(done.stderr, done.returncode)}
    except subprocess.TimeoutExpired:
        about["failed"] = f"it took longer than {limit:.0f} s"
    return {**about, "commit": commit(), "seconds": round(time.monotonic() - began, 1)}


def _last_object(text: str) -> dict[str, Any] | None:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            return found if isinstance(found, dict) and "goals" in found else None
    return None


def _last_line(text: str, code: int) -> str:
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return said[-1][:_WORDS_SHOWN] if said else f"it ended with {code} and without a word"


def commit() -> str:
    """The commit that is measured, with a + where the files differ from it."""
    try:
        said = [
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
            for words in (
                ("rev-parse", "--short", "HEAD"),
                ("status", "--porcelain", "--", "*.py"),
            )
        ]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said[0].strip() + ("+" if said[1].strip() else "")


def every(
    names: Iterable[str], *, quick: bool, told: bool = True, kept: Path = KEPT
) -> dict[str, dict[str, Any]]:
    """Run benchmarks one after another, print each, and keep its result as soon as it is there."""
    made: dict[str, dict[str, Any]] = {}
    for name in names:
        result = made[name] = run(name, quick=quick)
        for line in lines(result) if told else ():
            print(line, flush=True)
        keep({name: result}, kept)
    return made


def lines(result: Mapping[str, Any]) -> list[str]:
    """A result in lines: each figure, its peer's, the ratio, the goal."""
    if "failed" in result:
        return [f"FAILED  {result['benchmark']}: {result['failed']} ({result['seconds']} s)"]
    found = []
    for row in rows(result):
        _, figure, ours, peer, ratio, spread, goal, met = row
        beside = f"; {peer}, ratio {ratio}" if peer else ""
        beside += f" ({spread})" if spread else ""
        word = "met    " if met == "yes" else "NOT MET"
        found.append(f"{word} {result['benchmark']}: {figure}: {ours} (goal {goal}){beside}")
    return found


def rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The rows of the page that a result is: benchmark, figure, ours, peer, ratio, spread, goal, met."""
    name = str(result["benchmark"])
    if "failed" in result:
        return [(name, f"not measured: {result['failed']}", "", "", "", "", "", "no")]
    out: list[tuple[str, ...]] = []
    for goal in result["goals"]:
        beside = goal.get("beside") or {}
        theirs, ratio, spread = beside.get("theirs"), beside.get("ratio"), beside.get("spread")
        peer = ""
        if beside:
            peer = f"{beside['peer']}: {'missing' if theirs is None else _number(theirs)}"
        out.append(
            (
                name,
                str(goal["name"]),
                "" if goal["value"] is None else str(goal["value"]),
                peer,
                "" if ratio is None else _number(ratio),
                f"{_number(spread[0])} to {_number(spread[1])}" if spread else "",
                str(goal["goal"]),
                "yes" if goal["met"] else "no",
            )
        )
    return out


def _number(value: float) -> str:
    """Three digits that count, and thousands in groups."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def read(kept: Path = KEPT) -> dict[str, dict[str, Any]]:
    """What is kept, by benchmark; nothing where there is no file."""
    if not kept.exists():
        return {}
    found: dict[str, dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def keep(made: Mapping[str, Mapping[str, Any]], kept: Path = KEPT) -> None:
    """Put results in the place of older ones of the same benchmarks; what is bulky of them is left out."""
    whole = {**read(kept), **{name: _lean(result) for name, result in made.items()}}
    kept.write_text(json.dumps(whole, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")


def _lean(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in ("detail", "peer")}


def page(kept: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """The page: a table of all figures, and one of when and how each was taken."""
    order = [name for name in names if name in kept]
    machines = dict.fromkeys(_machine(kept[name]) for name in order if "machine" in kept[name])
    text = _HEAD.format(machines="; ".join(machines) or "nothing yet")
    text += "".join(_line(row) for name in order for row in rows(kept[name]))
    text += _FOOT
    for name in order:
        result = kept[name]
        how = "quick" if result["quick"] else "whole"
        text += _line((name, names[name], result["date"], result["commit"], how, f"{result['seconds']:.0f}"))
    missing = [name for name in names if name not in kept]
    if missing:
        text += f"\nNot run yet: {', '.join(missing)}.\n"
    return text


def _machine(result: Mapping[str, Any]) -> str:
    about = result["machine"]
    return f"{about['cores']} cores, Python {about['python']}, {about['system']}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |\n"


def _plain(text: str) -> str:
    """One line, without what Markdown takes for markup."""
    for mark, instead in (
        ("|", "/"),
        ("<", "&lt;"),
        ("*", "\\*"),
        ("_", "\\_"),
        ("`", "'"),
        ("[", "("),
        ("]", ")"),
    ):
        text = text.replace(mark, instead)
    return " ".join(text.split())


def write(names: Mapping[str, str], kept: Path = KEPT, to: Path = PAGE) -> None:
    """Write the page from what is kept."""
    to.write_text(page(read(kept), names), encoding="utf-8")


if __name__ == "__main__":
    from benchmarks.__main__ import NAMES

    write(NAMES)
