"""traps: what one hostile server or box costs: time, bytes, memory, and whether it delays anybody else.

Each trap of the lab stands among innocent targets in a session in memory, and the same session is run without
it.  The peer is the same session with an innocent site in the trap's place.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from benchmarks.trapping import OTHERS, Case, Ran, others, session, stand_in
from benchmarks.trapping_cases import ROWS, Row
from gatewatch.net.journal import BODIES_CAP

#: A record's most: its bodies in base64, and half as much for everything else, in bytes.
RECORD = BODIES_CAP * 4 // 3 + BODIES_CAP // 2
#: Megabytes that a trap may add to a session's peak.
MEMORY_MB = 64
#: How much longer, of what they take without it.
DELAY = 1.0
# Of the rows, one in so many with --quick.
_QUICK = 5


@cache
def _alone(case: Case, urls: tuple[str, ...], memory_too: bool) -> Ran:
    """The session without the trap, which many rows share."""
    return session(case, urls, memory_too=memory_too)


def beside(row: Row, count: int = OTHERS, *, memory_too: bool = False) -> tuple[Ran, Ran, float]:
    """Run a row's session with the trap and without.

    Gives both, and the largest ratio of others' times beyond what they may wait; without, the provider is one
    that has no box either, with routers at the same distances.
    """
    case = row.case
    innocent, instead = others(count, case.probe), stand_in(case.probe)
    half = len(innocent) // 2
    before, behind = innocent[:half], innocent[half:]
    plain = Case(case.probe, instead, helpers=case.helpers[-1:])
    alone = _alone(plain, (*before, instead, *behind), memory_too)
    ran = session(case, (*before, case.url, *behind), memory_too=memory_too)
    # A hunt that is not begun takes no time at all.
    ratios = [ran.seconds[url] / ((alone.seconds[url] + row.shared) or 1e-9) for url in innocent]
    return ran, alone, max(ratios, default=0.0)


def run(quick: bool) -> dict[str, Any]:
    """Run every trap, or a part of them; gives goals, the innocent peer, and a line a trap."""
    names = list(ROWS)[:: _QUICK if quick else 1]
    lines, worst = [], {"late": 0, "large": 0, "delay": 0.0, "memory": 0.0, "wrong": 0, "open": 0}
    peer, step = (0.0, 0.0), 0.0
    for name in names:
        row = ROWS[name]
        ran, alone, ratio = beside(row, 2 if quick else 4)
        # By themselves: watching the memory takes several times the work that is watched.
        held, usual, _ = beside(row, 0, memory_too=True)
        took = ran.seconds[row.case.url]
        more = held.peak_mb - usual.peak_mb
        peer = max(peer[0], *alone.seconds.values()), max(peer[1], usual.peak_mb)
        step = max(step, alone.step_ms)
        worst["late"] += took > row.seconds or row.case.url in ran.skipped
        worst["large"] = max(worst["large"], len(ran.line))
        worst["delay"] = max(worst["delay"], ratio)
        worst["memory"] = max(worst["memory"], more)
        worst["wrong"] += not ran.label.startswith(row.right)
        worst["open"] += ran.open_sockets + ran.tasks_left
        lines.append(
            f"{name:<30} {took:6.1f} of {row.seconds:5.1f} s, read {ran.received / 1e3:7.1f} KB, "
            f"record {len(ran.line) / 1e3:7.1f} KB, memory {held.peak_mb:5.1f} MB ({more:+.1f}), "
            f"others x {ratio:.3f}, longest step {ran.step_ms:.0f} ms, {ran.label or '-'}"
        )
    return {
        "goals": [
            {
                "name": "ended within their own budgets",
                "value": f"{len(names) - worst['late']} of {len(names)}",
                "goal": "all",
                "met": not worst["late"],
            },
            {
                "name": "others' times, with the trap over without, at most",
                "value": f"{worst['delay']:.3f}",
                "goal": f"{DELAY}",
                "met": worst["delay"] <= DELAY + 1e-6,
            },
            {
                "name": "the largest record",
                "value": f"{worst['large'] / 1e6:.2f} MB",
                "goal": f"< {RECORD / 1e6:.1f} MB",
                "met": worst["large"] < RECORD,
            },
            {
                "name": "added to the session's peak memory, at most",
                "value": f"{worst['memory']:.1f} MB",
                "goal": f"< {MEMORY_MB} MB",
                "met": worst["memory"] < MEMORY_MB,
            },
            {
                "name": "verdicts that are right",
                "value": f"{len(names) - worst['wrong']} of {len(names)}",
                "goal": "all",
                "met": not worst["wrong"],
            },
            {
                "name": "sockets and tasks left behind",
                "value": worst["open"],
                "goal": "0",
                "met": not worst["open"],
            },
        ],
        "peer": {
            "innocent sites": f"at most {peer[0]:.1f} s, memory {peer[1]:.1f} MB, longest step {step:.0f} ms"
        },
        "detail": {"traps": lines},
    }
