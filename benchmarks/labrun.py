"""Lab runs for benchmarks: `gatewatch lab run` or `gatewatch run` as a child, and what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

#: The Citizen Lab lists, where they lie beside the project.
LISTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "citizenlab"


def environment() -> dict[str, str]:
    """The environment in which a child finds what this process found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def gatewatch(*arguments: str) -> dict[str, Any]:
    """Run the command line with --json and give its object; its messages go to our stderr."""
    command = [sys.executable, "-m", "gatewatch", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(), check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"{' '.join(command)} printed nothing (exit code {done.returncode})")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def real_lists(*names: str) -> tuple[str, ...]:
    """Options for the real lists; the built-in ones where those are absent."""
    files = [LISTS / f"{name}.csv" for name in names]
    if all(file.is_file() for file in files):
        return tuple(word for file in files for word in ("--targets", str(file)))
    return tuple(word for name in names for word in ("--targets", name))


def in_worlds(scenario: str, worlds: str, client: str) -> list[dict[str, Any]]:
    """Run a module of ours inside the lab on a scenario and its worlds; gives the objects that it printed."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "worlds.toml"), Path(folder, "worlds.jsonl")
        for file, text in zip(files, (scenario, worlds), strict=True):
            file.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", client, str(files[1])]
        inside = [sys.executable, "-m", "gatewatch.lab.inside", str(files[0]), "isp", "--", *command]
        done = subprocess.run(inside, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return [json.loads(line) for line in done.stdout.splitlines()]
