"""What the line's own resolver is like, whichever name is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverHabits:
    """Answers that say more of the resolver than of the name: ``x_gatewatch_resolver``, asked once a run."""

    rewrites: tuple[str, ...] = doc("addresses that it gave for random names, which do not exist", ())
    denies: bool = doc("whether it denied a random name, as it should", False)
    filters: str = doc(
        "what it said of an advertiser's name: addresses, nxdomain, no_answer, bogon; empty for silence", ""
    )
    filter_answers: tuple[str, ...] = doc("the addresses it gave for that name, where they are bogons", ())
    egress: str | None = doc("prefix (/24, /48) that its own questions come from, by a whoami name", None)
    name: str = doc("the public resolver that it asks, where that is one of the table", "")
    asn: int = doc("network of that one, 0 where not known", 0)
    extra: Mapping[str, Any] = extra()
