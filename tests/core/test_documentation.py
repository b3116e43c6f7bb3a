"""What the documents say is there is there, and what is there is in the documents."""

import dataclasses
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.worlds.commands import python

from gatewatch import cli, records
from gatewatch.cli.pages import contexts
from gatewatch.runner.probes import available

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
COMMANDS = {context.command_path: context.command for context in contexts()}


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_the_page_on_commands_is_current() -> None:
    # In a process of its own: click remembers the names of the help option of whatever was called first.
    written = python("from gatewatch.cli.pages import commands_markdown; print(commands_markdown(), end='')")
    assert text(ROOT / "docs" / "commands.md") == written.stdout, (
        "write it anew: python -m gatewatch.cli.pages > docs/commands.md"
    )


def test_the_page_on_commands_has_all_of_them() -> None:
    assert {f"gatewatch {name}" for name in cli.COMMANDS} < set(COMMANDS)
    assert {"gatewatch lab run", "gatewatch results show", "gatewatch probes list"} < set(COMMANDS)
    headings = re.findall(r"^## (.*)$", text(ROOT / "docs" / "commands.md"), re.MULTILINE)
    assert headings == list(COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_is_explained_outside_its_help(name: str) -> None:
    pages = [page for page in PAGES if page.name != "commands.md"]
    assert any(re.search(rf"gatewatch\s+{name}\b", text(page)) for page in pages)


@pytest.mark.parametrize("name", [n for n, e in available().items() if e.module.startswith("gatewatch_")])
def test_every_probe_is_documented(name: str) -> None:
    assert f"\n## {name}\n" in text(ROOT / "docs" / "probes.md")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in records.__all__
        # What reading complains of is not written down.
        if dataclasses.is_dataclass(getattr(records, name)) and name != "Problem"
    ],
)
def test_every_record_is_documented_with_every_key(name: str) -> None:
    section = text(ROOT / "docs" / "records.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    fields = [field.name for field in dataclasses.fields(getattr(records, name))]
    assert section and [field for field in fields if field != "extra" and f"`{field}`" not in section] == []


def test_the_exit_codes_are_in_the_readme() -> None:
    told = re.findall(r"^\| (\d+) \| (.*) \|$", text(ROOT / "README.md"), re.MULTILINE)
    codes = {cli.DONE, cli.PARTIAL, cli.USAGE, cli.NO_CONSENT, cli.NO_NETWORK, cli.LOCKED}
    assert {int(code) for code, _ in told} == codes


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        there = page.parent / path if path else page
        assert there.is_file(), link
        assert not anchor or anchor in anchors(there), link


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_page_can_be_reached_from_the_readme(page: Path) -> None:
    linked = "".join(text(p) for p in PAGES if p != page)
    assert f"({page.name})" in linked or f"(docs/{page.name})" in linked


def test_every_page_is_on_the_site() -> None:
    listed = text(ROOT / "docs" / "index.md").splitlines()
    assert [page.stem for page in DOCS if page.stem != "index" and page.stem not in listed] == []


def test_the_manual_page_is_current() -> None:
    written = python("from gatewatch.cli.man import page; print(page(), end='')")
    assert text(ROOT / "docs" / "gatewatch.1") == written.stdout, (
        "write it anew: python -m gatewatch.cli.man > docs/gatewatch.1"
    )


def examples(page: Path) -> Iterator[str]:
    """The command lines that a page shows: in code blocks, and in the text between backticks."""
    content = text(page)
    yield from re.findall(r"^ {4}(gatewatch [^#\n]*)", content, re.MULTILINE)
    if page.name != "commands.md":
        for quoted in re.findall(r"`(gatewatch\s[^`]+)`", content):
            yield " ".join(quoted.split())


def without_options_of_groups(words: list[str]) -> list[str]:
    """Leave out what a group of commands is told before the command's name, such as --cluster ADDRESS."""
    for n in range(1, len(words)):
        group = COMMANDS.get(" ".join(words[:n]))
        known = {option for param in group.params for option in param.opts} if group else set()
        if isinstance(group, click.Group) and n > 1 and words[n] in known:
            return [*words[:n], *words[n + 2 :]]
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_shown_exist_with_their_options(page: Path) -> None:
    for example in examples(page):
        words = without_options_of_groups(shlex.split(example))
        depth = max(n for n in range(1, len(words) + 1) if " ".join(words[:n]) in COMMANDS)
        name = " ".join(words[:depth])
        assert depth > 1 or len(words) == 1 or words[1].startswith("-"), example
        # Both take the options of the run that they begin.
        passes_on = name in ("gatewatch lab run", "gatewatch schedule install")
        known = [COMMANDS[name]] + [COMMANDS["gatewatch run"]] * passes_on
        assert not isinstance(known[0], click.Group) or depth == len(words) or name == "gatewatch", example
        options = {option for command in known for param in command.params for option in param.opts}
        given = {word.partition("=")[0] for word in words[depth:] if re.match(r"--?[a-z]", word)}
        assert given <= options | {"--help", "--version"}, example


def files() -> Iterator[Path]:
    """Every file of the project; what tools leave behind is not."""
    for folder in (ROOT, ROOT / ".ci"):
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name in ("build", "dist", "gatewatch-results"):
                continue
            if path.is_file():
                yield path
            else:
                yield from (
                    p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts
                )


def test_no_file_tells_where_it_was_written() -> None:
    # Put together here, so that this very file does not tell either.
    places = ("/wo" + "rk/", "/wo" + "rk\\b(?=[\"' \n])", "/tmp/" + "gw", "/tmp/" + "venv", "/ro" + "ot/")
    # Not in the middle of a URL's path.
    pattern = re.compile("|".join(rf"(?<![\w.\-]){place}" for place in places).encode())
    seen = list(files())
    assert ROOT / "pyproject.toml" in seen and ROOT / "src" / "gatewatch" / "__init__.py" in seen
    told = {
        str(path.relative_to(ROOT)): found[0] for path in seen if (found := pattern.search(path.read_bytes()))
    }
    assert told == {}
