"""`gatewatch results`: which runs there are, and what one of them found."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli.erase import delete
from gatewatch.cli.export import export
from gatewatch.cli.summary import summary
from gatewatch.cli.upload import upload

if TYPE_CHECKING:
    from gatewatch.store import RunInfo

_ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEWATCH_RESULTS",
    help="Where runs lie.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
# What others wrote may be as long as they like; a line on a screen may not.
_WIDTH = 100
_CELL = 400


class _Unusable(click.ClickException):
    """There is no such run, or it cannot be read."""

    exit_code = 2


@click.group()
def results() -> None:
    """Runs that were made, and what they found."""


results.add_command(upload)
results.add_command(export)


@results.command("list")
@_ROOT
@_JSON
def list_(root: Path | None, as_json: bool) -> None:
    """Show the runs, newest first, with counts by verdict."""
    from gatewatch.store import default_root, list_runs

    root = root or default_root()
    runs = list_runs(root)
    if as_json:
        click.echo(json.dumps({"root": str(root), "runs": [_described(run) for run in runs]}))
        return
    if not runs:
        click.echo(_none_yet(root), err=True)
        return
    rows = [
        (
            run.id,
            run.started or "",
            _vantage(run),
            " ".join(run.probes),
            _progress(run),
            run.state,
            _counts(run),
        )
        for run in runs
    ]
    _table(("run", "started", "vantage", "probes", "measured", "state", "verdicts"), rows)


@results.command("show")
@click.argument("run", metavar="RUN")
@click.option("--target", metavar="TEXT", help="Only measurements whose target contains TEXT.")
@click.option("--verdict", metavar="LABEL", help="Only this verdict: blocked, dns, dns.nxdomain, ok, ...")
@click.option("--raw", is_flag=True, help="Print the measurements themselves, one JSON object a line.")
@_ROOT
@_JSON
def show(
    run: str, target: str | None, verdict: str | None, raw: bool, root: Path | None, as_json: bool
) -> None:
    """Show what RUN found: its id, the beginning of it, a folder's path, or "latest"."""
    from gatewatch.store import default_root, read

    info = find(root or default_root(), run)

    def complain(text: str) -> None:
        click.echo(_safe(f"{info.id}: {text}"), err=True)

    selected = (
        (line, row)
        for line, row in _rows(
            read(info.path, lambda text: click.echo(_safe(f"{info.id}: {text}"), err=True))
        )
        if (not target or target.lower() in str(row["input"]).lower()) and (not verdict or _is(row, verdict))
    )
    if raw:
        for line, _ in selected:
            _print_raw(line)
        return
    rows = [row for _, row in selected]
    if as_json:
        click.echo(json.dumps({"run": _described(info), "measurements": rows}))
        return
    click.echo(_safe(f"{info.id}  {_vantage(info)}  {info.state}  {_progress(info)} measured"))
    click.echo()
    _by_category(rows)
    click.echo()
    _table(("layer", "measurements"), _by_layer(rows))
    click.echo()
    _table(
        ("verdict", "category", "test", "target"),
        [[str(row[key])[:_WIDTH] for key in ("label", "category", "test", "input")] for row in rows],
    )


results.add_command(delete)
results.add_command(summary)


def find(root: Path, name: str, *, judged: bool = False) -> RunInfo:
    """Give a run by id, the beginning of it, path, or "latest"; raises what ends the command.

    The latest is the newest by its name that is no more than a day ahead of now, if there is one.
    ``judged``: the latest is one that says what is blocked, not one that only looked for where.
    """
    from gatewatch.store import held, list_runs
    from gatewatch.store.runs import look

    if "/" in name or "\\" in name or name in (".", ".."):
        folder = Path(name)
        if info := look(folder, held(folder.resolve().parent)):
            return info
        raise _Unusable(f"{_safe(name)} is no folder of a run")
    runs = list_runs(root)
    if name == "latest" and not runs:
        raise _Unusable(_none_yet(root))
    if name == "latest":
        found = _latest([run for run in runs if not (judged and run.probes == ("locate",))])
    else:
        found = [run for run in runs if run.id == name] or [run for run in runs if run.id.startswith(name)]
    if len(found) != 1:
        many = f"{len(found)} runs begin with {name!r}" if found else f"no run {name!r}"
        raise _Unusable(f"{many} in {_safe(str(root))}; see gatewatch results list")
    return found[0]


def _latest(runs: list[RunInfo]) -> list[RunInfo]:
    """Give the newest of runs, newest first, that was not named by a clock ahead of now; else the newest."""
    from gatewatch.store.runs import is_of_the_future

    now = datetime.now(UTC)
    found = next((run for run in runs if not is_of_the_future(run, now)), None)
    for run in runs[: runs.index(found) if found else None]:
        click.echo(
            _safe(f"{run.id} is from the future: this machine's clock is wrong, or was then."), err=True
        )
    return [found] if found else runs[:1]


def _none_yet(root: Path) -> str:
    return f"There are no runs yet in {_safe(str(root))}: gatewatch run makes one."


def _rows(lines: Iterator[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Give each line with what of it is shown."""
    from gatewatch.store.lines import measured

    for line in lines:
        record = measured(line)
        if record is None:
            continue
        verdict, about = record.get("x_gatewatch_verdict"), record.get("x_gatewatch_target")
        verdict = verdict if isinstance(verdict, dict) else {}
        about = about if isinstance(about, dict) else {}
        yield (
            line,
            {
                "item": record.get("x_gatewatch_item"),
                "input": record.get("input"),
                "test": record.get("test_name"),
                "started": record.get("measurement_start_time"),
                "category": about.get("category") or "",
                "risk": about.get("risk") or "",
                "label": verdict.get("label") or "no verdict",
                **{key: verdict.get(key) for key in ("status", "layer", "method", "reason", "confidence")},
            },
        )


def _is(row: dict[str, Any], verdict: str) -> bool:
    wanted = verdict.lower()
    names = (row["label"], row["status"], row["layer"], _way(row))
    return any(isinstance(name, str) and name.lower() == wanted for name in names)


def _by_category(rows: list[dict[str, Any]]) -> None:
    """Print categories down, verdicts across."""
    pairs = [(str(row["category"])[:_WIDTH], str(row["label"])[:_WIDTH]) for row in rows]
    labels = [label for label, _ in Counter(label for _, label in pairs).most_common()]
    counts = Counter(pairs)
    totals = Counter(category for category, _ in pairs)
    body = [
        (category or "-", *(str(counts[category, label] or "") for label in labels), str(total))
        for category, total in totals.most_common()
    ]
    _table(("category", *labels, "all"), body)


def _way(row: dict[str, Any]) -> str:
    """Write layer and method; `throttled` is both in one word."""
    return f"{row['layer']}.{row['method']}" if row["method"] else str(row["layer"])


def _by_layer(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    layers = Counter(_way(row)[:_WIDTH] for row in rows if row["layer"])
    none = Counter(str(row["status"] or "no verdict")[:_WIDTH] for row in rows if not row["layer"])
    return [(name, str(count)) for name, count in (*layers.most_common(), *none.most_common())]


def _described(run: RunInfo) -> dict[str, Any]:
    return {
        "id": run.id,
        "path": str(run.path),
        "started": run.started,
        "ended": run.ended,
        "state": run.state,
        "vantage": dict(run.vantage),
        "lab": run.lab,
        "probes": list(run.probes),
        "planned": run.planned,
        "measured": run.measured,
        "verdicts": dict(run.verdicts),
    }


def _vantage(run: RunInfo) -> str:
    known = [str(run.vantage[key]) for key in ("country", "asn", "isp") if run.vantage.get(key)]
    return " ".join((*known, "(lab)")) if run.lab else " ".join(known) or "unknown"


def _progress(run: RunInfo) -> str:
    return f"{run.measured}/{run.planned}"


def _counts(run: RunInfo) -> str:
    return ", ".join(f"{str(label)[:_WIDTH]} {count}" for label, count in run.verdicts.items())


def _print_raw(line: bytes) -> None:
    if _terminal():
        # As ASCII, JSON holds nothing that a terminal obeys.
        click.echo(json.dumps(json.loads(line.decode("utf-8", "surrogatepass"))))
    else:
        click.echo(line, nl=False)


def _terminal() -> bool:
    return sys.stdout.isatty()


def _safe(text: str) -> str:
    """Escape what data may not do to a terminal."""
    from gatewatch_targets.text import printable

    return printable(text)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: ruled on a terminal, plain columns elsewhere."""
    cells = [tuple(_safe(str(cell)[:_CELL]) for cell in row) for row in (heads, *rows)]
    if _terminal():
        from rich import box
        from rich.console import Console
        from rich.table import Column, Table
        from rich.text import Text

        # Nothing is cut off: what is here is to be copied, a run's id in one piece.
        columns = [Column(Text(head), overflow="fold", no_wrap=head == "run") for head in cells[0]]
        table = Table(*columns, box=box.SIMPLE_HEAD)
        for row in cells[1:]:
            # Text, not markup: a target called [red] stays one.
            table.add_row(*map(Text, row))
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())
