"""Pages written from docstrings while the site is built: one a probe, and one a room of the analysis."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import gatewatch_analysis
from gatewatch.runner.probes import available, load
from gatewatch_probes.page import section

#: Rooms of the analysis whose functions a researcher calls.
_SKIPPED = ("tables",)


def write(folder: Path) -> None:
    """Write all pages anew under ``folder``, and their lists."""
    ours = [name for name, entry in available().items() if entry.module.startswith("gatewatch_probes.")]
    probes = {name: section(load(name)).removeprefix("#") for name in ours}
    _pages(folder / "probes", "Every probe", probes)
    rooms = {}
    for module in pkgutil.iter_modules(gatewatch_analysis.__path__):
        if module.name not in _SKIPPED:
            rooms[module.name] = _room(f"gatewatch_analysis.{module.name}")
    _pages(folder / "analysis", "Every analysis", rooms)


def _pages(folder: Path, title: str, pages: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = "\n".join(pages)
    index = f"# {title}\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    for name, text in {"index": index, **pages}.items():
        path = folder / f"{name}.md"
        # What has not changed keeps its time, so that only what has is built again.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _room(name: str) -> str:
    """Document a room: what it gives to those who import it, module by module."""
    room = importlib.import_module(name)
    modules = [name]
    if hasattr(room, "__path__"):
        modules += sorted(f"{name}.{m.name}" for m in pkgutil.iter_modules(room.__path__))
    parts = [f"# {name}\n"]
    for module in modules:
        option = "" if module == name and hasattr(room, "__path__") else "   :members:\n"
        heading = f"## {module}\n\n" if module != name else ""
        parts.append(f"{heading}```{{eval-rst}}\n.. automodule:: {module}\n{option}```\n")
    return "\n".join(parts)
