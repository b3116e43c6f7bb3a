"""What a filter's packets have in common, and which known boxes that is consistent with.  Pure.

A name is never given on one field's word: at least :data:`LEAST` must agree and none contradict, and then
every field is named.  Two makers may well share habits, and one maker's boxes are sold to many.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gatewatch.locus.look import Look
from gatewatch.records import Box, BoxMatch, ResidualWait
from gatewatch_targets import KnownBox

#: Fields that must agree before anything is said.
LEAST = 3
#: Known boxes that are shown, consistent or not.
_SHOWN = 3
# What systems start with: old ones 32, Linux 64, Windows 128, routers 255.
_INITIAL = (32, 64, 128, 255)
# TTLs of one sender differ by a hop or two where paths do; injectors that draw theirs differ by more.
_ONE_SENDER = 2
# A counter goes up between two triggers by what the box sent to others meanwhile.
_STEP = 4096
# Shots that show habits which take several.
_SEVERAL = 3
_CERTAIN = 0.95


def fingerprint(
    method: str,
    address: str,
    looks: Sequence[Look],
    *,
    hop_rtt: float | None = None,
    residual: Sequence[ResidualWait] = (),
    in_path: float | None = None,
    copies: float = 0.0,
) -> Box | None:
    """Sum up what was injected in a hunt; None where nothing was.

    ``in_path`` and ``copies`` are the belief's probabilities, ``residual`` the waits between the triggers.
    """
    shots = [look.injected for look in looks if look.injected]
    if not shots:
        return None
    packets = [packet for shot in shots for packet in shot]
    ids = [packet.ip_id for packet in packets if packet.ip_id is not None]
    ttls = [packet.ttl for packet in packets]
    windows = [packet.window for packet in packets if packet.window is not None]
    firsts = [shot[0].rtt for shot in shots]
    counts = [len(shot) for shot in shots]
    fragments = {packet.dont_fragment for packet in packets}
    payloads = {packet.payload for packet in packets if "R" in packet.flags or "F" in packet.flags}
    waits = _residual(residual, len(looks))
    return Box(
        method=method,
        address=address,
        shots=len(shots),
        packets_least=min(counts),
        packets_most=max(counts),
        flags=_kinds(packet.flags for packet in packets),
        dont_fragment=fragments.pop() if len(fragments) == 1 else None,
        ip_id=_pattern(ids),
        ip_id_least=min(ids, default=None),
        ip_id_most=max(ids, default=None),
        ttl_least=min(ttls),
        ttl_most=max(ttls),
        initial_ttl="copied" if copies > _CERTAIN else _initial(ttls),
        window_least=min(windows, default=None),
        window_most=max(windows, default=None),
        options=_kinds(packet.options for packet in packets),
        payload=payloads.pop() if len(payloads) == 1 else None,
        delay_least=min(firsts),
        delay_median=round(statistics.median(firsts), 3),
        hop_rtt=hop_rtt,
        residual_least=waits[0],
        residual_most=waits[1],
        spares_server=any(look.injected and look.answered for look in looks) or None,
        in_path=None if in_path is None else _sure(in_path),
    )


def _kinds(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values) - {""}))


def _sure(probability: float) -> bool | None:
    return True if probability > _CERTAIN else False if probability < 1 - _CERTAIN else None


def _pattern(ids: Sequence[int]) -> str | None:
    """Name the pattern of IP IDs in the order of their coming."""
    if not ids:
        return None
    if not any(ids):
        return "zero"
    if len(ids) < _SEVERAL:
        return None
    if len(set(ids)) == 1:
        return "constant"
    steps = [(b - a) & 0xFFFF for a, b in itertools.pairwise(ids)]
    return "incrementing" if all(0 < step <= _STEP for step in steps) else "random"


def _initial(ttls: Sequence[int]) -> str:
    if max(ttls) - min(ttls) > _ONE_SENDER:
        return "varies"
    return str(next(initial for initial in _INITIAL if max(ttls) <= initial))


def _residual(waits: Sequence[ResidualWait], triggers: int) -> tuple[float | None, float | None]:
    """How long blocks were still seen at least, and were gone at most, in s."""
    still = [wait.at_least for wait in waits if wait.at_least is not None]
    gone = [wait.at_most for wait in waits if wait.at_most is not None]
    if still:
        return max(still), min(gone, default=None)
    # Controls passed right after each trigger.
    return (0.0, 0.0) if triggers > 1 else (None, None)


# What a field says when this box is held against a known one: it agrees, it does not, or one of them is mute.
_Field = Callable[[Box, KnownBox], bool | None]


def _flags(box: Box, known: KnownBox) -> bool | None:
    return known.flags in box.flags if known.flags and box.flags else None


def _fragment(box: Box, known: KnownBox) -> bool | None:
    if known.dont_fragment is None or box.dont_fragment is None:
        return None
    return box.dont_fragment is known.dont_fragment


def _ip_id(box: Box, known: KnownBox) -> bool | None:
    if known.ip_id is None or box.ip_id_least is None or box.ip_id_most is None:
        return None
    low, high = known.ip_id
    if not low <= box.ip_id_least <= box.ip_id_most <= high:
        return False
    # A wide range is agreed with by what is spread over it, not by any number that lies in it.
    if high - low > _STEP:
        return box.ip_id == "random" if box.ip_id else None
    return True


def _ttl(box: Box, known: KnownBox) -> bool | None:
    if not known.initial_ttl or box.initial_ttl is None:
        return None
    if known.initial_ttl == "varies" and box.initial_ttl != "varies" and box.shots < _SEVERAL:
        return None
    return box.initial_ttl == known.initial_ttl


def _window(box: Box, known: KnownBox) -> bool | None:
    if known.window is None or box.window_least is None or box.window_most is None:
        return None
    return known.window[0] <= box.window_least <= box.window_most <= known.window[1]


def _packets(box: Box, known: KnownBox) -> bool | None:
    # One may get lost, none is added.
    return None if known.packets is None else box.packets_most == known.packets


def _payload(box: Box, known: KnownBox) -> bool | None:
    if known.payload_text is not None:
        return None if box.payload is None else known.payload_text in box.payload
    # A source that tells of no payload may not have looked.
    return None if known.payload is None or box.payload is None else box.payload == known.payload


def _residue(box: Box, known: KnownBox) -> bool | None:
    if known.residual is None or box.residual_least is None:
        return None
    least, most = box.residual_least, box.residual_most
    return least <= known.residual and (most is None or known.residual <= most)


def _path(box: Box, known: KnownBox) -> bool | None:
    return None if known.in_path is None or box.in_path is None else box.in_path is known.in_path


_FIELDS: dict[str, _Field] = {
    "flags": _flags,
    "dont_fragment": _fragment,
    "ip_id": _ip_id,
    "initial_ttl": _ttl,
    "window": _window,
    "packets": _packets,
    "payload": _payload,
    "residual": _residue,
    "in_path": _path,
}


def compare(box: Box, known: KnownBox) -> BoxMatch:
    """Hold a box against a known one, field by field."""
    said = {name: field(box, known) for name, field in _FIELDS.items()}
    return BoxMatch(
        id=known.id,
        name=known.name,
        agree=tuple(name for name, word in said.items() if word is True),
        contradict=tuple(name for name, word in said.items() if word is False),
    )


def recognised(box: Box, table: Iterable[KnownBox]) -> Box:
    """Give the box with the known ones that it is consistent with, and the nearest of those compared."""
    matches = [compare(box, known) for known in table if box.method in known.methods]
    matches = [match for match in matches if len(match.agree) + len(match.contradict) >= LEAST]
    matches.sort(key=lambda match: (len(match.contradict) - len(match.agree), match.id))
    consistent = tuple(m.id for m in matches if not m.contradict and len(m.agree) >= LEAST)
    return replace(box, consistent_with=consistent, compared=tuple(matches[:_SHOWN]))


def said(box: Box) -> str:
    """Say in a few words what is known of a box; never a bare name."""
    where = {True: "in the path", False: "beside the path", None: "in the path or beside it"}[box.in_path]
    return f"{where}; {_likeness(box)}"


def _likeness(box: Box) -> str:
    for match in box.compared:
        if match.id in box.consistent_with:
            return f"consistent with {match.name} in {', '.join(match.agree)}"
    return "unknown: nothing published agrees in enough fields"
