"""What a ``middlebox`` measurement says: are requests rewritten on this line, and how is Host read?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatewatch.records import Measurement, OddRequest, decode
from gatewatch.verdict.likeness.compare import BODY_PROPORTION, body_proportion
from gatewatch.verdict.words import NOT_LOOKED

TEST = "middlebox"
_CUT = ("reset", "eof", "timeout")
# Spellings that mean the same to every server: letter case counts neither in the host nor in header names,
# and a tab is white space (RFC 9110 4.2.3, 5.1, 5.6.3).
_SAME_MEANING = ("host_case", "host_name_case", "host_tab")
# A run asks some forty times at most; what claims more is not ours.
_MOST = 128
# An answer sooner than half of the way there and back was not the server's; below 5 ms of difference
# schedulers and radio links decide.
_SOONER, _MARGIN = 0.5, 0.005
# Seconds; what claims more is no measurement.
_LONGEST = 600.0


def alike(a: OddRequest, b: OddRequest) -> bool:
    """Tell whether two answers are the same page, as far as code, title and length say."""
    same = bool(a.title) and a.title == b.title
    return a.code == b.code and (same or body_proportion(a.length, b.length) > BODY_PROPORTION)


def _rows(m: Measurement) -> list[OddRequest]:
    keys = m.test_keys
    found = keys.extra.get("x_gatewatch_middlebox") if keys else None
    rows = []
    for item in found[:_MOST] if isinstance(found, list | tuple) else ():
        if isinstance(item, Mapping):
            row, problems = decode(OddRequest, dict(item))
            if not problems and _sound(row):
                rows.append(row)
    return rows


def _sound(row: OddRequest) -> bool:
    """Tell whether the fields that are read here hold what they should; a null is no problem to the codec."""
    texts = (row.kind, row.outcome, row.address, row.host, row.title, *(row.changes or ()))
    numbers = row.code, row.length
    return all(isinstance(t, str) for t in texts) and all(isinstance(n, int) for n in numbers)


def evidence(m: Measurement) -> dict[str, Any]:
    """Read the features of a middlebox measurement."""
    rows = _rows(m)
    echoes = [row for row in rows if row.kind == "echo" and row.outcome == "echoed"]
    invalid = [row for row in rows if row.kind.startswith("invalid_")]
    others = [row for row in invalid if row.outcome == "answered"]
    sooner = _sooner(rows)
    word, passed = _host([row for row in rows if row.kind.startswith("host")])
    return {
        "judged_test": True,
        "looked": bool(rows),
        "host": next((row.host for row in rows if row.kind == "host"), ""),
        "middlebox_echo": _echo(echoes),
        "middlebox_changes": ", ".join(tuple(next((row.changes for row in echoes if row.changes), ()))[:6]),
        "middlebox_odd": _odd(invalid),
        "middlebox_odd_answer": f"{others[0].code} {others[0].title}".strip() if others else "",
        "middlebox_early": len(sooner) > 1,
        "middlebox_early_by": f"{sooner[0].kind} in {1000 * (sooner[0].wait or 0):.0f} ms" if sooner else "",
        "middlebox_host": word,
        "middlebox_host_passed": ", ".join(passed),
    }


def _echo(echoes: list[OddRequest]) -> str:
    if not echoes:
        return NOT_LOOKED
    return "changed" if any(row.changes for row in echoes) else "same"


def _odd(invalid: list[OddRequest]) -> str:
    """What became of odd first lines sent to a helper: echoed, changed, answered, cut, not_looked."""
    outcomes = [row.outcome for row in invalid]
    if "answered" in outcomes:
        return "answered"
    if any(row.changes for row in invalid):
        return "changed"
    if any(outcome in _CUT for outcome in outcomes):
        return "cut"
    return "echoed" if "echoed" in outcomes else NOT_LOOKED


def early(row: OddRequest, handshakes: Iterable[float | None] = ()) -> bool:
    """Tell whether an answer came sooner than the server's could have, by handshakes with its address.

    The shortest one counts: all others have waited for something, such as a lost SYN.
    """
    times = [t for t in (row.connect_tls, *(handshakes or (row.connect,))) if t and 0 < t < _LONGEST]
    if row.wait is None or not times or not 0 < row.wait < _LONGEST:
        return False
    return row.wait < _SOONER * min(times) and min(times) - row.wait > _MARGIN


def _sooner(rows: list[OddRequest]) -> list[OddRequest]:
    """The answers of known pages that came too soon."""
    pages = [row for row in rows if row.kind in ("beacon", "beacon_invalid")]
    # A proxy may answer handshakes as well, but hardly those with port 443.
    return [row for row in pages if row.connect_tls is not None and early(row, (row.connect_tls,))]


def _host(rows: list[OddRequest]) -> tuple[str, list[str]]:
    """How the site's name fared as Host: same, differs, sooner, reset, eof, timeout, unclear, not_looked.

    And the spellings that passed where the plain name did not.
    """
    plain = [row for row in rows if row.kind == "host"]
    spelt = [row for row in rows if row.kind in _SAME_MEANING]
    odd = [row for row in rows if row.kind not in ("host", "host_control")]
    if not plain:
        return NOT_LOOKED, []
    outcomes = {row.outcome for row in plain}
    if len(plain) > 1 and len(outcomes) == 1 and plain[0].outcome in _CUT:
        return plain[0].outcome, [row.kind for row in odd if row.outcome == "answered"]
    if outcomes != {"answered"}:
        return "unclear", []
    control = [row for row in rows if row.kind == "host_control" and row.outcome == "answered"]
    shaken = [row.connect for row in rows if row.address == plain[0].address]
    others_late = bool(control) and not any(early(row, shaken) for row in control)
    if len(plain) > 1 and others_late and all(early(row, shaken) for row in plain):
        return "sooner", []
    if len(plain) == 1:
        return "same" if all(alike(plain[0], row) for row in spelt) else "unclear", []
    passed = [row for row in spelt if row.outcome == "answered"]
    agreed = len(passed) > 1 and all(alike(passed[0], row) for row in passed)
    steady = all(alike(plain[0], row) for row in plain)
    if steady and agreed and not _any_alike(plain, passed):
        return "differs", [row.kind for row in passed]
    return "unclear", []


def _any_alike(plain: Iterable[OddRequest], passed: list[OddRequest]) -> bool:
    return any(alike(a, b) for a in plain for b in passed)
