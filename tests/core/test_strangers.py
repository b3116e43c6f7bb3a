"""Nothing that a stranger wrote is carried out, rendered, or taken for a line of ours, by any command.

Every command that there is stands in one of two tables: how it is made to show what strangers wrote, or why
it never does.  What they wrote: tests/worlds/strangers.py.  How it may come out: tests/worlds/marker.py.
"""

from __future__ import annotations

import base64
import csv
import dataclasses
import gzip
import html
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result
from tests.worlds import marker, strangers
from tests.worlds.browser import visit
from tests.worlds.collector import collector
from tests.worlds.commands import here
from tests.worlds.marker import PAYLOADS, WORD
from tests.worlds.publisher import Answer, publisher
from tests.worlds.terminal import Person

from gatewatch.cli import trace_show
from gatewatch.cli.pages import contexts
from gatewatch.records import TraceKeys

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
# How files that we write are called.
TAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,99}|\.[a-z]+")
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


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[strangers.World]:
    folder = tmp_path_factory.mktemp("strangers")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(folder / "home"))
        patch.setenv("GATEWATCH_LANG", "en")
        # Nobody has agreed to anything here, and there is no line.
        patch.setattr("gatewatch.runner.line.has_route", lambda *_: False)
        patch.chdir(folder)
        found = strangers.made(folder)
        shutil.copytree(found.runs, folder / "copy")
        yield found


def fell(got: Result) -> list[str]:
    """How a command fell over what it was given; it has to end as a command does."""
    if got.exception is None or isinstance(got.exception, SystemExit):
        return []
    *_, last = traceback.extract_tb(got.exception.__traceback__)
    return [f"{got.exception!r:.200} in {last.filename}:{last.lineno}"]


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


def test_whoever_looks_finds_it() -> None:
    """Each payload does what it is there for wherever it is put as it is."""
    from rich.text import Text

    def harm(text: str) -> bool:
        row = io.StringIO()
        csv.writer(row).writerow((text, "x"))
        return bool(
            marker.steers(text)
            or marker.computes(row.getvalue())
            or marker.runs(f"<p>{text}</p>")
            or marker.runs(f'<p title="{text}">')
            or Text.from_markup(text.replace("[/nothing]", "")).plain != text
            or not TAME.fullmatch(text)
        )

    assert [text for text in PAYLOADS if not harm(text)] == []
    assert not harm(WORD) and marker.steers_json('{"a": 1}\n') == []
    assert (
        marker.steers_json('{"a": "\x1b"}\n') and marker.steers_json('{"a": 1\n') and marker.computes("=1,\n")
    )
    kinds = {"steers": marker.steers, "computes": marker.computes, "runs": marker.runs}
    counts = {name: sum(bool(kind(text)) for text in PAYLOADS) for name, kind in kinds.items()}
    assert counts["steers"] > 12 and counts["computes"] > 12 and counts["runs"] >= 3, counts


def test_what_a_collector_answers(world: strangers.World) -> None:
    root = world.folder / "sent"
    _, ours, *_ = sorted(path for path in world.runs.iterdir() if path.name.startswith("20"))
    shutil.copytree(ours, root / ours.name)
    with collector() as there:
        there.words.clear()
        there.words.extend(PAYLOADS)
        there.always = "refuse"
        config = world.folder / "upload.toml"
        config.write_text(f'[mine]\nkind = "collector"\nurl = "{there.url}"\nlab = true\n')
        config.chmod(0o600)
        words = ("results", "upload", "--upload-config", str(config), "--root", str(root))
        said = [here(*words, *more) for more in ([], ["--again"], ["--again"], ["--again"], ["--list"])]
        as_json = here(*words, "--list", "--json")
    assert len(there.asked) > len(PAYLOADS) and WORD in said[0].output
    assert [fell(got) + marker.steers(got.output) for got in said] == [[]] * len(said)
    assert marker.steers_json(as_json.stdout) == []


def test_who_asks_a_helper(tmp_path: Path) -> None:
    """It says nothing of who came and what they wrote, and hands none of it back as a page."""
    pytest.importorskip("hypercorn", reason="the helper needs hypercorn: pip install 'gatewatch[helper]'")
    command = [sys.executable, "-m", "gatewatch", "helper", "serve", "--port", "0", "--resolver", "system"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "--rate", "1000"], **pipes) as process:  # type: ignore[call-overload]
        first = process.stderr.readline().decode()
        port = int(first.rstrip("/\n").rpartition(":")[2])
        answers = [
            asked(port, text.encode("utf-8", "surrogatepass")[:4000], post)
            for text in PAYLOADS
            for post in (0, 1)
        ]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == (b"", b"", 0)
    assert first == f"Listening on http://127.0.0.1:{port}/\n"
    assert sum(answer.startswith(b"HTTP/1.1 ") for answer in answers) == len(answers)
    assert [answer for answer in answers if WORD.encode() in answer] == []


def asked(port: int, text: bytes, post: int) -> bytes:
    """Ask with a text for a path, a header, or a body; gives all that is answered."""
    path = b"/" + text.replace(b" ", b"%20").replace(b"\r", b"").replace(b"\n", b"") if not post else b"/"
    head = b"%s %s HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n" % (b"POST" if post else b"GET", path)
    body = text if post else b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_what_publishers_answer(world: strangers.World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    bad, spoke = [], set()
    listed = world.targets.read_bytes()
    # The way to a list that is used: usable lines, with whatever may stand in them.
    first = b"url,category_code,category_description,date_added,source,notes\n" + b"".join(
        f"https://p{n}.example/,NEWS,x,2024-01-01,x,\n".encode() for n in range(40)
    )
    head = "\x1b[35;5;7m" + WORD
    with publisher() as there:
        config = world.folder / "update.toml"
        config.write_text(
            f'[ip-to-as]\nurls = ["{there.base}/a"]\nleast = 1\n'
            f'[citizenlab-kh]\nurls = ["{there.base}/kh.csv"]\nleast = 2\n'
        )
        asked = ("--config", str(config), "--data", str(world.folder / "shelf"))
        names = b"".join(
            b"36.%d.0.0\t36.%d.255.255\t%d\tKH\t%s\n"
            % (n, n, 38000 + n, text.encode("utf-8", "surrogatepass"))
            for n, text in enumerate(PAYLOADS)
        )
        for answer in (
            Answer(first, modified="Mon, 02 Nov 2026 00:00:00 GMT", etag=f'"{head}"'),
            Answer(listed, modified="Fri, 20 Nov 2026 00:00:00 GMT", etag=f'"{head}2"'),
            Answer(gzip.compress(names), modified=head, more={"Content-Type": head}),
            Answer(b"<html><title>" + head.encode() + b"</title>", status=503, modified=head),
            Answer(head.encode() * 9, status=302, more={"Location": f"https://evil.example/{WORD}"}),
        ):
            there.answers.update({"/a": answer, "/kh.csv": answer})
            for words in (
                ("update", "ip-to-as", "citizenlab-kh", *asked),
                ("targets", "pull", "kh", *asked),
                ("targets", "pull", "kh", "--accept", *asked),
                ("targets", "show", "citizenlab-kh"),
                ("update", "--list", *asked),
            ):
                for form in (words, (*words, "--json")):
                    got = here(*form)
                    wrong = fell(got) + marker.steers(got.stderr)
                    wrong += (marker.steers_json if form[-1] == "--json" else marker.steers)(got.stdout)
                    bad += [(form, each) for each in wrong[:3]]
                    spoke |= {words[:2]} if WORD in got.output else set()
    assert bad == [] and spoke, spoke


def test_tables_of_cells_compute_nothing(world: strangers.World) -> None:
    got = here("results", "export", "--csv", "--all", "--root", str(world.runs))
    assert fell(got) == [] and got.stdout.count(WORD) > 100
    assert marker.computes(got.stdout) + marker.steers(got.stderr) == []
    got = here("results", "export", "--ooni", "--all", "--root", str(world.runs))
    assert fell(got) == [] and marker.steers_json(got.stdout) == [] and got.stdout.count(WORD) > 1000


@pytest.fixture(scope="module")
def page(world: strangers.World) -> Path:
    """The report on everything that strangers wrote."""
    out = world.folder / "page.html"
    got = here("report", str(world.runs), str(world.others), str(world.country), "-o", str(out))
    assert fell(got) == [] and got.exit_code == 0, got.output
    return out


def test_a_page_runs_and_loads_nothing(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count(WORD) > 20 and marker.runs(text) == []
    # The page is one line.
    assert marker.steers(html.unescape(text), len(text)) == []
    packed = re.findall(r"text/csv;[^,]*base64,([A-Za-z0-9+/=]*)", text)
    files = [base64.b64decode(found).decode() for found in packed]
    assert len(files) > 5 and any(WORD in file for file in files)
    assert [marker.computes(file)[:3] for file in files] == [[]] * len(files)
    # And in a browser, which reads pages in its own way.
    (tmp_path / "empty.html").write_text("<!DOCTYPE html><title>-</title>", encoding="utf-8")
    shown, nothing = visit(page, tmp_path), visit(tmp_path / "empty.html", tmp_path)
    assert (shown.asked - nothing.asked, shown.console) == (frozenset(), ())
    assert re.search("<title>[^<]*</title>", shown.dom) and "<title>owned" not in shown.dom


def test_tables_in_a_notebook_are_text(world: strangers.World) -> None:
    import pandas as pd

    import gatewatch_analysis as gw

    data = gw.load([str(world.runs), str(world.others), str(world.country)])
    tables = (getattr(data, field.name) for field in dataclasses.fields(data))
    frames = [each for each in tables if isinstance(each, pd.DataFrame)]
    assert len(frames) >= 3
    with pd.option_context("display.max_rows", None, "display.max_columns", None):
        reprs = [str(frame.head(400)._repr_html_()) for frame in frames]  # type: ignore[operator]
    assert sum(text.count(WORD) for text in reprs) > 100
    assert [marker.runs(re.sub(" border=.1. class=.dataframe.", "", text)) for text in reprs] == [[]] * len(
        reprs
    )


def test_a_trace_as_it_is_shown() -> None:
    for turn in range(len(PAYLOADS)):
        keys = marker.Marker(turn).record(TraceKeys)
        whole = [dataclasses.replace(keys, failure=None), dataclasses.replace(keys, failure=PAYLOADS[turn])]
        for each in whole:
            shown = "\n".join(trace_show.lines(PAYLOADS[turn], each, None, 1e9, 1.0))
            # An address comes from the kernel: how long it is, is no question.
            assert marker.steers(shown, len(shown)) == []
        kept = dataclasses.replace(
            keys,
            destination="36.37.128.9",
            failure=PAYLOADS[turn],
            replies=(dataclasses.replace(keys.replies[0], address="36.37.1.1"),),
        )
        for form in ("json", "atlas", "scamper"):
            out = trace_show.lines(PAYLOADS[turn], kept, form, 1e9, 1.0)
            assert [json.loads(line) for line in out] and not any("\n" in line for line in out)


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


def test_files_stay_where_they_belong_and_are_called_as_we_call_them(world: strangers.World) -> None:
    for words in (
        ("dataset", "build", "kept.dataset", str(world.runs), str(world.others)),
        ("results", "export", "--parquet", "--all", "-o", "kept.export", "--root", str(world.runs)),
        ("results", "upload", "--upload-config", "kept.toml", "--root", str(world.runs)),
    ):
        (world.folder / "kept.stick").mkdir(exist_ok=True)
        config = f'[stick]\nkind = "store"\nurl = "file://{world.folder}/kept.stick"\nlab = true\n'
        (world.folder / "kept.toml").write_text(config)
        assert fell(here(*words)) == []
    kept = [path for top in world.folder.glob("kept.*") for path in top.rglob("*")]
    ours = [path for path in world.runs.rglob("*") if path.is_file()]
    assert len(kept) > 10 and sum(path.suffix == ".parquet" for path in kept) > 4
    assert any("kept.stick" in path.parts and path.is_file() for path in kept)
    for path in kept + ours:
        names = path.relative_to(world.folder).parts
        assert all(TAME.fullmatch(name) for name in names), path
    above = [*world.folder.parents]
    assert [p for folder in above for p in folder.iterdir() if WORD in p.name] == []


def test_logs_and_status_name_nothing_from_the_wire(world: strangers.World) -> None:
    log = (world.runs / "unattended.log").read_text(encoding="utf-8")
    status = (world.runs / "status.json").read_text(encoding="utf-8")
    assert log and WORD not in log and marker.steers_json(log) == []
    assert status and WORD not in status and marker.steers(status) == []
