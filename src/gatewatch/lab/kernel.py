"""Whether this machine's kernel can be attached to the lab, found out by doing it, and how to say so.

The kernel attachment itself is :mod:`gatewatch.lab.inside`, a program of its own: namespaces are entered by
whole processes, and the packet loop must not share one with trio.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from typing import Literal

Attachment = Literal["tun", "veth"]
# Starting Python, loading the smallest scenario and making a device take a quarter of a second.
_PATIENCE = 30
# The smallest packaged scenario, and one of its ISPs.
_TRIAL = ("small", "clear")


def argv(
    scenario: str,
    isp: str,
    command: list[str],
    *,
    attach: Attachment | None = None,
    seed: int | None = None,
) -> list[str]:
    """Give the command line that runs a command inside the lab; see :mod:`gatewatch.lab.inside`."""
    chosen = ["--attach", attach] if attach else []
    chosen += [] if seed is None else ["--seed", str(seed)]
    return [sys.executable, "-P", "-m", "gatewatch.lab.inside", scenario, isp, *chosen, "--", *command]


def environment() -> dict[str, str]:
    """Give the environment in which a new Python finds the packages that this one has found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@lru_cache
def _try(attach: Attachment | None) -> tuple[Attachment | None, str]:
    """Build a lab with an attachment (None: the best) around a command that says what it got."""
    if sys.platform != "linux":
        return None, f"namespaces exist on Linux only, and this is {sys.platform}"
    say = 'import json, os; print(json.loads(os.environ["GATEWATCH_LAB"])["attach"])'
    try:
        done = subprocess.run(
            argv(*_TRIAL, [sys.executable, "-c", say], attach=attach),
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"the trial did not end within {_PATIENCE} s"
    kinds: dict[str, Attachment] = {"tun": "tun", "veth": "veth"}
    found = kinds.get(done.stdout.strip())
    if done.returncode or found is None:
        said = done.stderr.strip().splitlines() or ["the trial failed without a word"]
        return None, said[-1].removeprefix("the lab cannot use this kernel: ")
    return found, ""


def available(attach: Attachment | None = None) -> Attachment | None:
    """Say which attachment works here ("tun" is preferred), or None; ``attach`` asks about that one.

    Found by really building a lab in a child process, once per process.
    """
    return _try(attach)[0]


def why(attach: Attachment | None = None) -> str:
    """Say why :func:`available` is None, "" when it is not."""
    return _try(attach)[1]
