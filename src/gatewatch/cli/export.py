"""`gatewatch results export`: runs as OONI's lines, as rows for a spreadsheet, as Parquet."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gatewatch import cli

if TYPE_CHECKING:
    from gatewatch.store import RunInfo


@click.command()
@click.argument("run", metavar="[RUN]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every run under the root.")
@click.option("--ooni", "form", flag_value="ooni", help="One OONI measurement a line (JSON lines).")
@click.option("--csv", "form", flag_value="csv", help="One row a measurement, for spreadsheets.")
@click.option(
    "--parquet", "form", flag_value="parquet", help="A dataset of Parquet files; needs -o and [analysis]."
)
@click.option(
    "--out",
    "-o",
    metavar="PATH",
    help="A file, packed if it ends in .gz; a folder for --parquet.  [default: stdout]",
)
@click.option(
    "--test", "tests", multiple=True, metavar="NAME", help="Only measurements of this test; repeatable."
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="GATEWATCH_RESULTS",
    help="Where runs lie.  [env: GATEWATCH_RESULTS; default: ~/.local/share/gatewatch/runs]",
)
def export(
    run: tuple[str, ...],
    everything: bool,
    form: str | None,
    out: str | None,
    tests: tuple[str, ...],
    root: Path | None,
) -> None:
    """Export each RUN (its id, the beginning of it, a folder's path, or "latest"; without one, the latest).

    Sends nothing. What is exported is what was stored: scrubbed, and with the network and the time of whoever
    measured.
    """
    from gatewatch.store import StoreFull

    if form is None:
        raise click.UsageError("say how: --ooni, --csv or --parquet")
    if run and everything:
        raise click.UsageError("name runs, or say --all")
    infos = _runs(root, run, everything)
    try:
        count = _parquet(infos, out, tests) if form == "parquet" else _lines(infos, form, out, tests)
    except StoreFull as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # Whoever reads has seen enough.
            sys.stdout = None
            sys.exit(cli.DONE)
        raise click.ClickException(f"{error.filename or out}: {error.strerror or error}") from None
    if out:
        click.echo(f"{count} measurements of {len(infos)} runs: {out}", err=True)


def _runs(root: Path | None, names: tuple[str, ...], everything: bool) -> list[RunInfo]:
    from gatewatch.cli.results import find
    from gatewatch.store import default_root, list_runs

    root = root or default_root()
    if everything:
        return list(reversed(list_runs(root)))
    found = [find(root, name) for name in names or ("latest",)]
    return list({info.path: info for info in found}.values())


def _stored(infos: list[RunInfo], tests: tuple[str, ...]) -> Iterator[bytes]:
    from gatewatch.store import read
    from gatewatch.store.lines import measured

    for info in infos:
        for line in read(info.path, partial(_complain, info.id)):
            if not tests or (measured(line) or {}).get("test_name") in tests:
                yield line


def _complain(run: str, text: str) -> None:
    from gatewatch_targets.text import printable

    click.echo(printable(f"{run}: {text}"), err=True)


def _lines(infos: list[RunInfo], form: str, out: str | None, tests: tuple[str, ...]) -> int:
    from gatewatch.store import sheet

    with _opened(out) as file:
        if form == "csv":
            return sheet.write(_stored(infos, tests), file)
        count = 0
        for line in _stored(infos, tests):
            if (text := _ooni(line)) is not None:
                file.write(text)
                count += 1
        return count


def _ooni(line: bytes) -> str | None:
    """Give a line as a collector would get it, with its uid among the annotations."""
    from gatewatch.store.lines import measured
    from gatewatch.store.uid import ANNOTATION, uid

    record = measured(line)
    if record is None:
        return None
    annotations = record.get("annotations")
    record["annotations"] = {**(annotations if isinstance(annotations, dict) else {}), ANNOTATION: uid(line)}
    # As ASCII, JSON holds nothing that a terminal obeys.
    return json.dumps(record) + "\n"


@contextmanager
def _opened(out: str | None) -> Iterator[IO[str]]:
    """Open the output; a file takes its place when it is whole."""
    import io

    from gatewatch.store.files import replacing

    if out is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(out)
    with replacing(path) as raw:
        packed: Any = gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.suffix == ".gz" else raw
        text = io.TextIOWrapper(packed, encoding="utf-8", errors="backslashreplace", newline="")
        yield text
        text.flush()
        text.detach()
        if packed is not raw:
            packed.close()


def _parquet(infos: list[RunInfo], out: str | None, tests: tuple[str, ...]) -> int:
    from gatewatch.cli.analyse import options

    if out is None or tests:
        raise click.UsageError("--parquet takes -o FOLDER, and all tests")
    options.needs_pandas()
    from gatewatch.store import Locked
    from gatewatch_analysis.dataset import DamagedDataset, build
    from gatewatch_targets.text import printable

    try:
        built = build(out, [info.path for info in infos])
    except Locked:
        click.echo("Another process writes to that dataset.", err=True)
        sys.exit(cli.LOCKED)
    except DamagedDataset as error:
        raise click.ClickException(str(error)) from None
    for name, why in built.failed.items():
        click.echo(printable(f"{name}: {why}"), err=True)
    if built.failed:
        sys.exit(cli.PARTIAL)
    return built.measurements
