"""Probes as plug-ins: found by entry point, or loaded from a file that the user names."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch_targets import Target

GROUP = "gatewatch.probes"
_ATTRIBUTES = ("name", "test_name", "version", "risk", "typical_bytes")


@runtime_checkable
class Probe(Protocol):
    """What a probe is: a class with these attributes, made without arguments, once a run.

    ``name`` is how users call it, ``test_name`` what its measurements are called, ``risk`` the least risk
    tier (low, medium, high) that a user must have chosen, ``typical_bytes`` what one target costs both ways.
    Its module's docstring opens with the question that it answers, the method, the traffic, the risk and the
    reference: ``gatewatch probes show`` prints it.

    A probe may also have ``seconds``, what one target may take where that is more than the run's budget, and
    ``fits(target) -> bool``, for targets that it cannot measure and a plan leaves out,
    and ``named(target) -> str``, where what it measures is called by several test names.
    ``traffic`` maps kinds of packets to the most of each that one target takes, and ``typical_packets`` says
    how many packets one usually sends, for ``gatewatch run --plan``.
    ``consent`` names a consent of its own (gatewatch.cli.consent) without which it may not run; each target
    of such a probe counts against the run's budget (gatewatch.net.restraint).
    """

    name: str
    test_name: str
    version: str
    risk: str
    typical_bytes: int

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Measure one target.  What the network does is data; raise only when the probe could not run."""
        ...


def consents(probes: Iterable[Probe]) -> frozenset[str]:
    """Name the consents of their own that probes need."""
    return frozenset(needed for probe in probes if (needed := getattr(probe, "consent", "")))


def fits(probe: Probe, target: Target) -> bool:
    """Tell whether a probe can measure a target."""
    asked: Callable[[Target], bool] | None = getattr(probe, "fits", None)
    return asked is None or asked(target)


def named(probe: Probe, target: Target) -> str:
    """Give the test_name of a probe's measurement of a target."""
    asked: Callable[[Target], str] | None = getattr(probe, "named", None)
    return probe.test_name if asked is None else asked(target)


class NoSuchProbe(LookupError):
    """No probe of that name, or the file holds none."""


def available() -> dict[str, EntryPoint]:
    """The installed probes by name, sorted; none is loaded yet."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)}


def load(name: str) -> Probe:
    """Make a probe by its name, or by the path of a Python file that defines one; raises NoSuchProbe."""
    if name.endswith(".py"):
        return _from_file(Path(name).expanduser())
    entry = available().get(name)
    if entry is None:
        raise NoSuchProbe(f"no probe {name!r}; there are {', '.join(available())}")
    made = entry.load()()
    if not isinstance(made, Probe):
        raise NoSuchProbe(f"{entry.value} is no probe: see gatewatch.runner.probes.Probe")
    return made


def _from_file(path: Path) -> Probe:
    spec = importlib.util.spec_from_file_location(f"gatewatch_probe_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise NoSuchProbe(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses and `probes show` look a class's module up.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        # Whatever a user's file does wrong is the user's to read, in one line.
        raise NoSuchProbe(f"{path}: {type(error).__name__}: {error}") from error
    found = [made for made in map(_try, _own_classes(module)) if made is not None]
    if len(found) != 1:
        raise NoSuchProbe(f"{path}: defines {len(found)} probes, expected one")
    return found[0]


def _own_classes(module: ModuleType) -> list[type]:
    return [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]


def _try(cls: type) -> Probe | None:
    if not all(
        hasattr(cls, name) for name in ("name", "test_name", "version", "risk", "typical_bytes", "measure")
    ):
        return None
    made = cls()
    return made if isinstance(made, Probe) else None
