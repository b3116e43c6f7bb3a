"""What of a run a summary needs: each site once, what became of it, and what was not tested."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatewatch.store import read
from gatewatch.store.files import read_json
from gatewatch.store.folder import PLAN, RUN
from gatewatch.store.lines import measured
from gatewatch.summary import reasons

# Several tests may look at one site: a block that one of them saw is not undone by another that saw none, nor
# a page that came by a test that could not tell.
_RANK = ("blocked", "tampered", "ok", "server_side", "down", "inconclusive")


@dataclass(frozen=True, slots=True)
class Site:
    """A site and what was found: status, layer and method as in the verdict, and its confidence."""

    url: str
    status: str
    layer: str
    method: str
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Facts:
    """A run in figures.  ``left_out``: sites of a higher risk, by tier; ``skipped``: reasons in English.

    ``where`` is its folder as one may type it, without naming anybody's home.  ``place``: what --lab was.
    """

    run: str
    where: str
    state: str
    country: str
    isp: str
    lab: bool
    place: str
    sites: tuple[Site, ...]
    ways: int
    unfinished: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)

    def of(self, *statuses: str) -> tuple[Site, ...]:
        """The sites of these statuses, the surest first."""
        found = [site for site in self.sites if site.status in statuses]
        return tuple(sorted(found, key=lambda site: (-site.confidence, site.url)))

    def to_json(self) -> dict[str, Any]:
        """Give what a summary says as data."""
        return {
            "run": self.run,
            "state": self.state,
            "sites": dict(Counter(site.status for site in self.sites)),
            "blocked": [
                {"url": s.url, "layer": s.layer, "method": s.method, "confidence": s.confidence}
                for s in self.of("blocked")
            ],
            "unfinished": self.unfinished,
            "left_out": dict(self.left_out),
            "skipped": dict(self.skipped),
        }


def gather(folder: Path) -> Facts:
    """Read a run's folder; what is damaged in it is passed over."""
    about, plan = _json(folder / RUN), _json(folder / PLAN)
    best: dict[str, Site] = {}
    ways = lines = 0
    for record in _records(read(folder)):
        lines += 1
        site = _site(record)
        if site is None:
            ways += 1
        elif site.url not in best or _before(site, best[site.url]):
            best[site.url] = site
    vantage = _mapping(about.get("vantage"))
    skipped = Counter(reasons.kind(str(_mapping(row).get("why"))) for row in _list(about.get("skipped")))
    left_out = _mapping(_mapping(plan.get("settings")).get("left_out"))
    return Facts(
        run=folder.name,
        where=tidy(folder),
        state=str(about.get("state") or ""),
        country=str(vantage.get("country") or ""),
        isp=str(vantage.get("isp") or ""),
        lab=bool(about.get("lab")),
        place=_place(_mapping(about.get("lab"))),
        sites=tuple(best.values()),
        ways=ways,
        unfinished=max(0, len(_list(plan.get("items"))) - lines),
        left_out={tier: number for tier, number in left_out.items() if type(number) is int},
        skipped=dict(skipped),
    )


def _place(lab: Mapping[str, Any]) -> str:
    """Write SCENARIO:ISP; empty outside the lab, and for what no command of ours would take."""
    place = f"{lab.get('scenario')}:{lab.get('isp')}"
    return place if re.fullmatch(r"[a-z0-9.-]+(@[0-9]+)?:[a-z0-9-]+", place) else ""


def tidy(folder: Path) -> str:
    """Write a folder with ~ for one's home: a screen is often shown around."""
    try:
        home = Path.home()
    except RuntimeError:
        # A user of a container may have none.
        return str(folder)
    return str(Path("~") / folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)


def _records(lines: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    for line in lines:
        record = measured(line)
        if record is not None:
            yield record


def _site(record: Mapping[str, Any]) -> Site | None:
    """What a record says of a site; None where it is no verdict's business (a trace)."""
    verdict = record.get("x_gatewatch_verdict")
    if not isinstance(verdict, Mapping):
        return None
    given: Any = verdict.get("confidence")
    # Whoever wrote the file may have written NaN, or a number beyond all floats.
    known = isinstance(given, (int, float)) and 0 <= given <= 1
    return Site(
        url=str(record.get("input") or ""),
        status=str(verdict.get("status") or "inconclusive"),
        layer=str(verdict.get("layer") or ""),
        method=str(verdict.get("method") or ""),
        reason=str(verdict.get("reason") or ""),
        confidence=float(given) if known else 0.0,
    )


def _before(one: Site, other: Site) -> bool:
    ranks = [_RANK.index(site.status) if site.status in _RANK else len(_RANK) for site in (one, other)]
    return (ranks[0], -one.confidence) < (ranks[1], -other.confidence)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(read_json(path))
    except (OSError, ValueError, json.JSONDecodeError):
        return {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
