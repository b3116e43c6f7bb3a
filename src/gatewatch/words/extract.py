"""Every text that is said to people, found in source and tables, and the catalogues kept up with it.

``python -m gatewatch.words.extract`` writes the catalogues anew: texts that came are empty, texts that went
are dropped, translations stay.  An empty one is said in English, and fails a test.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from gatewatch.words import catalogue, po
from gatewatch.words.languages import LANGUAGES
from gatewatch.words.po import Entry

_PACKAGE = Path(__file__).parents[1]
# What of the analysis is said in the reader's language: the report's page, and findings.
_ANALYSIS, _ROOMS = "gatewatch_analysis", ("page", "report")
# Each takes its text as its first argument, as a literal; count takes two.
_ONE = frozenset({"say", "phrase", "mark"})
_TWO = "count"


class NotALiteral(ValueError):
    """A text is put together where it is said, so that nobody could translate it."""


def in_source(source: str, name: str) -> Iterator[Entry]:
    """Find the texts in a module's source; raises NotALiteral."""
    tree = ast.parse(source)
    # Other modules have functions of these names, too.
    ours = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gatewatch.words")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in ours:
            continue
        if node.func.id in _ONE:
            yield Entry(_literal(node.args[0], name), comments=(f"#: {name}",))
        elif node.func.id == _TWO:
            one, many = (_literal(argument, name) for argument in node.args[:2])
            yield Entry(one, many, comments=(f"#: {name}",))


def _literal(node: ast.expr, name: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise NotALiteral(f"{name}:{node.lineno}: a text to be translated must be a literal")


def in_tables() -> Iterator[Entry]:
    """The texts of countries.toml that consent shows: names, laws and risks of the countries it describes."""
    from gatewatch.consent.laws import KNOWN
    from gatewatch_targets.countries import countries

    for code in KNOWN:
        about = countries()[code]
        said = [about.name]
        said += [text for law in about.laws for text in (law.name, law.says)]
        said += [text for risk in about.risks for text in (risk.about, risk.says)]
        for text in said:
            yield Entry(text, comments=(f"#: countries.toml, {code}",))


def texts() -> tuple[Entry, ...]:
    """Every text once, in the order of the source, with all places that it is from."""
    found: dict[str, Entry] = {}
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE).as_posix()
        _collect(found, in_source(path.read_text(encoding="utf-8"), name))
    _collect(found, in_tables())
    _collect(found, in_analysis())
    return tuple(found.values())


def in_analysis() -> Iterator[Entry]:
    """The texts of the report; none where the analysis is not installed.

    It is found, and not imported: what is below knows nothing of it, and needs no pandas.
    """
    if not with_analysis():
        return
    root = _analysis_folder()
    for room in _ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            name = f"{_ANALYSIS}/{path.relative_to(root).as_posix()}"
            yield from in_source(path.read_text(encoding="utf-8"), name)


def with_analysis() -> bool:
    """Whether the analysis is installed; without it the catalogues hold more than is said."""
    return find_spec(_ANALYSIS) is not None


def _analysis_folder() -> Path:
    spec = find_spec(_ANALYSIS)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


def _collect(found: dict[str, Entry], entries: Iterable[Entry]) -> None:
    for entry in entries:
        known = found.get(entry.text)
        if known is None:
            found[entry.text] = entry
        else:
            comments = tuple(dict.fromkeys((*known.comments, *entry.comments)))
            found[entry.text] = replace(known, plural=known.plural or entry.plural, comments=comments)


def updated(old: Iterable[Entry], said: Iterable[Entry]) -> tuple[Entry, ...]:
    """Bring a catalogue up to date: its header, then every text, with the translation that it had."""
    known = {entry.text: entry for entry in old}
    header = known.get("", Entry("", comments=()))
    forms = plural_forms(header)
    out = [header]
    for entry in said:
        had = known.get(entry.text)
        size = 1 if entry.plural is None else forms
        same = had is not None and had.plural == entry.plural and len(had.translations) == size
        out.append(replace(entry, translations=had.translations if had and same else ("",) * size))
    return tuple(out)


def fields(header: Entry) -> dict[str, str]:
    """Read a catalogue's header."""
    pairs = (line.partition(": ") for line in header.translations[0].splitlines())
    return {key: value for key, _, value in pairs}


def plural_forms(header: Entry) -> int:
    """How many plural forms a language has, by its catalogue's header."""
    found = fields(header).get("Plural-Forms", "nplurals=2;")
    return int(found.partition("nplurals=")[2].partition(";")[0])


if __name__ == "__main__":
    if not with_analysis():
        raise SystemExit("The texts of gatewatch_analysis would be dropped: install it first.")
    now = texts()
    for code, language in LANGUAGES.items():
        if language.translated:
            file = catalogue.path(code)
            entries = updated(po.read(file.read_text(encoding="utf-8")), now)
            file.write_text(po.written(entries), encoding="utf-8")
            print(f"{code}: {len(now)} texts, {sum(not all(e.translations) for e in entries)} not translated")
