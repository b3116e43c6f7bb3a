"""Fuzz targets: TOML that people and strangers write: scenarios of the lab, configurations."""

from __future__ import annotations

from collections.abc import Hashable
from importlib.resources import files

from benchmarks.fuzz import mutate, samples, scratch
from benchmarks.fuzz.registry import Target
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.scenario import load
from gatewatch.update.catalogue import datasets
from gatewatch.upload.config import destinations
from gatewatch_targets import DataError


def scenario(data: bytes) -> Hashable:
    """Load and check a scenario."""
    try:
        found = load(str(scratch.put("scenario.toml", data)))
        found.on(3)
    except ScenarioError as error:
        place, _, why = str(error).partition(": ")[2].rpartition(": ")
        return "".join(c for c in place if not c.isdigit())[:40], why[:14]
    return len(found.isps), len(found.networks), len(found.stages)


def config(data: bytes) -> Hashable:
    """Read one's own update.toml and upload.toml."""
    path = scratch.put("own.toml", data)
    said: list[Hashable] = []
    for reader in (datasets, destinations):
        try:
            said.append(len(reader(path)))
        except DataError as error:
            said.append((error.problem.field[-12:], error.problem.text[:16]))
    return tuple(said)


_VALUES = (
    *(
        b"0",
        b"-1",
        b"1e400",
        b"nan",
        b"inf",
        b"9" * 5000,
        b'""',
        b'"x"',
        b"true",
        b"[]",
        b"[[]]",
        b"{}",
        b'["x", 1]',
    ),
    *(
        b"1979-05-27",
        b"[" * 3000,
        b'"\\ud800"',
        b'"""',
        b"'",
        b"#",
        b"\n[[isp]]\n",
        b"\n[x.y]\n",
        b" = ",
        b"\xff",
    ),
    *(
        b'"103.5.24.0/99"',
        b'"2001:db8::/129"',
        b'"default"',
        b'"KH"',
        b'"AS1"',
        b'include = "x"\n',
        b"include = [1]\n",
    ),
    *(b'"https://[::1"', b'"http://x"', b'"file:///etc"', b'"../x"', b"seed = 1\nseed = 2\n"),
)


def _configs() -> list[bytes]:
    builtin = files("gatewatch.update").joinpath("datasets.toml").read_bytes()
    upload = (
        b'[mine]\nkind = "collector"\nurl = "https://c.example/"\ntests = ["web_connectivity"]\n\n'
        b'[folder]\nkind = "store"\nurl = "s3://bucket/x"\nlab = false\n\n[folder.options]\nkey = "k"\n'
    )
    parts = builtin.split(b"\n\n[")
    return [upload, *(b"[" + part for part in parts[1:8])]


# The country as it is on another day.
_STAGES = b"""
[[stage]]
day = 2
until = 5
clear = true

[[stage]]
day = 3
offline = true
"""
_TOML = mutate.joined(mutate.lines, mutate.lines, mutate.words(_VALUES))
TARGETS = {
    "scenario": Target(scenario, lambda: [*samples.scenarios(30), samples.scenarios(1)[0] + _STAGES], _TOML),
    "config": Target(config, _configs, _TOML),
}
