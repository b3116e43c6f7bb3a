"""What changed between two versions of a list, for whoever must decide whether to use the new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Target

# What matters of an entry for what is sent, and to whom it may matter.
_FIELDS = ("category", "risk", "control", "expectation", "countries", "why", "source")


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that stands in both versions: the fields that differ, with old and new value."""

    target: Target
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Entries by what became of them, in the order of the list that they stand in."""

    added: tuple[Target, ...]
    removed: tuple[Target, ...]
    changed: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def difference(old: Iterable[Target], new: Iterable[Target]) -> Difference:
    """Compare two versions by address."""
    before, after = ({target.url: target for target in targets} for targets in (old, new))
    changed = []
    for url, target in after.items():
        if url in before:
            pairs = ((name, _text(before[url], name), _text(target, name)) for name in _FIELDS)
            if fields := tuple(pair for pair in pairs if pair[1] != pair[2]):
                changed.append(Change(target, fields))
    return Difference(
        tuple(target for url, target in after.items() if url not in before),
        tuple(target for url, target in before.items() if url not in after),
        tuple(changed),
    )


def _text(target: Target, name: str) -> str:
    value = getattr(target, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, tuple) else str(value)
