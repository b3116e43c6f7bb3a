"""What a ``ports`` measurement says: which services' ports are cut on this line, and what else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gatewatch.records import Measurement, PortRow, decode
from gatewatch.verdict.words import NOT_LOOKED, OK

#: The test's name; OONI's stub of that kind is called ``portfiltering`` and has other keys.
TEST = "port_filtering"
_CUT = ("refused", "timeout", "reset")
_SERVICES = ("vpn", "dns")
# A run looks at some twenty ports, at most twice; what claims more is not ours.
_MOST = 512
# Controls of which none may be cut where no spare port was looked at.
_ENOUGH = 2
# Ports that are named in evidence.
_NAMED = 12


def _rows(m: Measurement) -> list[PortRow]:
    keys = m.test_keys
    found = keys.extra.get("x_gatewatch_ports") if keys else None
    rows = []
    for item in found[:_MOST] if isinstance(found, list | tuple) else ():
        if isinstance(item, Mapping):
            row, problems = decode(PortRow, dict(item))
            texts = (row.address, row.kind, row.outcome, row.service, row.transport)
            if not problems and all(isinstance(t, str) for t in texts) and isinstance(row.port, int):
                rows.append(row)
    return rows


class _Port:
    """All looks at one port."""

    def __init__(self, rows: list[PortRow]) -> None:
        self.row = rows[0]
        outcomes = [row.outcome for row in rows]
        #: answered, how it was cut (twice, and never otherwise), or unclear.
        self.word = "unclear"
        if "answered" in outcomes:
            self.word = "answered"
        elif len(outcomes) > 1 and all(outcome in _CUT for outcome in outcomes):
            self.word = outcomes[-1]

    @property
    def cut(self) -> bool:
        return self.word in _CUT

    @property
    def name(self) -> str:
        return f"{self.row.port}/{self.row.transport} {self.row.service}".strip()


def evidence(m: Measurement) -> dict[str, Any]:
    """Read the features of a ports measurement."""
    rows = _rows(m)
    base = [row for row in rows if row.kind == "base"]
    looks: dict[tuple[int, str], list[PortRow]] = {}
    for row in rows:
        # One address's ports only: those of another are compared with nothing.
        if row.kind != "base" and base and row.address == base[0].address:
            looks.setdefault((row.port, row.transport), []).append(row)
    ports = [_Port(found) for found in looks.values()]
    services = [port for port in ports if port.row.kind in _SERVICES]
    others = [port for port in ports if port.row.kind not in _SERVICES]
    answered = sum(port.word == "answered" for port in services)
    return {
        "judged_test": True,
        "looked": m.test_keys is not None,
        "host": base[0].address if base else "",
        "ports_base": _base(base),
        **{f"ports_{t}": _services(p for p in services if p.row.transport == t) for t in ("tcp", "udp")},
        **{
            f"ports_{t}_controls": _controls([p for p in others if p.row.transport == t])
            for t in ("tcp", "udp")
        },
        "ports_cut": _told(services),
        "ports_cut_controls": _told(others),
        "ports_answered": f"{answered} of {len(services)}",
    }


def _base(rows: list[PortRow]) -> str:
    if not rows:
        return NOT_LOOKED
    passed = len(rows) > 1 and all(row.outcome == "answered" for row in rows)
    return "passed" if passed and len({row.address for row in rows}) == 1 else "failed"


def _services(ports: Iterable[_Port]) -> str:
    words = Counter(port.word for port in ports)
    cut = {word: words[word] for word in _CUT if words[word]}
    if cut:
        return max(cut, key=lambda word: cut[word])
    return OK if words["answered"] else "unclear" if words else NOT_LOOKED


def _controls(ports: list[_Port]) -> str:
    """Tell whether only the services are cut.

    A firewall that lets pass what it knows cuts the spare port, whatever else it knows; one that has a list
    of what to cut does not, and may have another service on it.
    """
    cut = [port for port in ports if port.cut]
    passed = [port for port in ports if port.word == "answered"]
    spare = [port for port in ports if port.row.kind == "spare"]
    if len(cut) > 1 or any(port.cut for port in spare):
        return "cut"
    if any(port.word == "answered" for port in spare):
        return "passed"
    if cut:
        return "cut"
    return "passed" if len(passed) >= _ENOUGH else "few"


def _told(ports: list[_Port]) -> str:
    cut = sorted((port for port in ports if port.cut), key=lambda port: (port.row.port, port.row.transport))
    told = ", ".join(f"{port.name} ({port.word})" for port in cut[:_NAMED])
    return told + (f" and {len(cut) - _NAMED} more" if len(cut) > _NAMED else "")
