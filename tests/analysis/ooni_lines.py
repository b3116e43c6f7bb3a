"""Lines as probes of others write them: the benchmark's, OONI's cases, those of our rules, broken ones."""

from __future__ import annotations

import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.ooni_mix import each, lines
from tests.core.test_verdict_robust import broken
from tests.core.test_verdict_rules import FIRES

from gatewatch.records import dumps

FOLDER = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa"


@cache
def generated(count: int = 400) -> tuple[bytes, ...]:
    """Records of the benchmark's mix."""
    return tuple(lines(count, seed=20261124))


@cache
def kinds() -> tuple[bytes, ...]:
    """Records of each kind that the mix knows."""
    return tuple(each(4, seed=20261125))


def cases() -> list[Path]:
    """OONI's acceptance cases and real measurements; none where they are not present."""
    return [*sorted(FOLDER.glob("*.json")), *sorted(FOLDER.glob("real/*.json"))]


@cache
def fires() -> tuple[bytes, ...]:
    """What makes each of our rules fire."""
    return tuple(dumps(m) for _, m in FIRES.values())


@cache
def fires_of_others() -> tuple[bytes, ...]:
    """The visits among them, as a probe without our keys would have written them."""
    return tuple(_plain(line) for line in fires() if b'"test_name":"web_connectivity"' in line)


def _plain(line: bytes) -> bytes:
    data = json.loads(line)
    keys = data["test_keys"]
    for key in [key for key in keys if key.startswith("x_gatewatch_")]:
        del keys[key]
    for rows in keys.values():
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                for key in [key for key in row if key.startswith("x_gatewatch_")]:
                    del row[key]
    return json.dumps(data).encode()


def mutants(count: int, seed: int) -> list[bytes]:
    """Records with odd values in odd places, or with parts of another record of the same form."""
    chance = random.Random(seed)
    originals = [json.loads(line) for line in (*kinds(), *fires(), *fires_of_others())]
    made = []
    for _ in range(count):
        raw = copy.deepcopy(chance.choice(originals))
        if chance.random() < 0.5:
            _crossed(raw, chance.choice(originals), chance)
        if chance.random() < 0.7:
            raw = broken(raw, chance)
        made.append(json.dumps(raw).encode("utf-8", "surrogatepass"))
    return made


def _crossed(raw: dict[str, Any], other: dict[str, Any], chance: random.Random) -> None:
    """Take over some of another record's lists."""
    for key in ("queries", "tcp_connect", "tls_handshakes", "requests", "control", "control_failure"):
        if chance.random() < 0.3:
            raw["test_keys"][key] = copy.deepcopy(other["test_keys"].get(key))
    if chance.random() < 0.3:
        raw["input"] = other["input"]


def damaged(line: bytes, chance: random.Random) -> bytes:
    """A line in which some bytes were changed, lost or added."""
    data = bytearray(line.rstrip(b"\n"))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 3))
            case _:
                data[at:] = b""
        if not data:
            break
    return bytes(data).replace(b"\n", b" ") + b"\n"
