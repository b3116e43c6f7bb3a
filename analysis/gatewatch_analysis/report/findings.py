"""What can be said in plain words, with its evidence; and of a gateway, what all of it comes to.

The unit is the ISP.  One block page, one list of sites or one method on all ISPs comes about without a
gateway too, by orders to each of them, and ISPs that buy from one carrier share its router: none of this says
where the interfering box stands.  So most findings describe; the last one is the answer of ``gateway``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from gatewatch.words import Phrase, phrase
from gatewatch_analysis.blocking import by_isp, by_layer
from gatewatch_analysis.blocking.repeats import DECIDED
from gatewatch_analysis.blocking.targets import LIKE_REFUSAL, MIN_ISPS
from gatewatch_analysis.gateway import UNDETERMINED, Found
from gatewatch_analysis.gateway.answer import LEAST_ISPS
from gatewatch_analysis.gateway.border import usable
from gatewatch_analysis.gateway.isps import Country, of_country, plain
from gatewatch_analysis.gateway.told import said
from gatewatch_analysis.gateway.uniformity import theil
from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import VANTAGE

# A filter that somebody bought sorts by subject: several of its pages, on subjects that no single order names
# together, are a property of the line.  One page may be a slip of a list of signs.
_FILTERED_TARGETS = 3
_FILTERED_CATEGORIES = 2


# The sides of a border, as adjectives.
_DOMESTIC, _FOREIGN = phrase("domestic"), phrase("foreign")


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about a country, an ISP or the dataset.

    ``statement`` is a stable id; ``said`` is worded when it is shown, or English where it is a plain text;
    ``evidence`` holds the numbers behind it, ready for JSON.
    ``confidence`` (0 to 1) is the mean confidence of the verdicts used where the finding describes what was
    seen, and the lower end of the 95 % interval of a share of ISPs where it says something of all ISPs.
    """

    subject: str
    statement: str
    said: Phrase | str
    evidence: Mapping[str, Any]
    confidence: float

    @property
    def text(self) -> str:
        """Say it in English, as data do, whoever reads them."""
        return self.said.english if isinstance(self.said, Phrase) else self.said

    def as_json(self) -> dict[str, Any]:
        """Give the finding for JSON."""
        return {
            "subject": self.subject,
            "statement": self.statement,
            "text": self.text,
            "evidence": self.evidence,
            "confidence": self.confidence,
        }


def findings(verdicts: pd.DataFrame, gate: Found) -> list[Finding]:
    """List the findings of a dataset, from ``blocking.matrix`` and the evidence of a gate, by country."""
    found: list[Finding] = []
    borders = gate.pieces.borders
    places = pd.concat([verdicts[["country", "lab"]], borders[["country", "lab"]]]).drop_duplicates()
    for country, lab in sorted(places.itertuples(index=False, name=None)):
        subject = f"{country} (lab)" if lab else str(country)
        here = verdicts[(verdicts["country"] == country) & (verdicts["lab"] == lab)]
        paths = borders[(borders["country"] == country) & (borders["lab"] == lab)]
        if lab:
            lab_only = phrase(
                "Measured in the lab, an emulated internet: this says nothing of the real country."
            )
            found.append(Finding(subject, "dataset.lab", lab_only, {}, 1.0))
        found += _isps(subject, here)
        found += _mechanisms(subject, here)
        found += _dead(subject, here)
        found += _refusal(subject, here)
        found += _border(subject, paths)
        found += _gateway(subject, gate, (str(country), bool(lab)))
    return found


def isp_name(keys: Any) -> str:
    """Name an ISP: ``Metfone (AS38623)``; from anything with the columns of a vantage."""
    name, asn = str(keys["isp"]), int(keys["asn"])
    return name if not asn or name == f"AS{asn}" else f"{name} (AS{asn})"


def _isps(subject: str, verdicts: pd.DataFrame) -> Iterator[Finding]:
    """Say how much each ISP blocks, and mainly how."""
    methods = by_layer(verdicts)
    for _, row in by_isp(verdicts).iterrows():
        name = isp_name(row)
        mine = of_vantage(verdicts, row)
        whose = f"{subject}: {name}"
        decided, blocked = int(row["decided"]), int(row["blocked"])
        evidence: dict[str, Any] = {"decided": decided, "blocked": blocked, "measured": int(row["measured"])}
        evidence["interval"] = [round(float(row["low"]), 3), round(float(row["high"]), 3)]
        if not decided:
            text = phrase("{isp}: no target could be decided.", isp=name)
            yield Finding(whose, "isp.undecided", text, evidence, 1.0)
        elif not blocked:
            confidence = _mean(mine[mine["status"].isin(["ok", "tampered", "server_side"])])
            text = phrase(
                "{isp}: none of {decided} decided targets is blocked "
                "(up to {high} of such targets could be and not show).",
                isp=name,
                decided=decided,
                high=f"{row['high']:.0%}",
            )
            yield Finding(whose, "isp.unblocked", text, evidence, confidence)
        else:
            ways = {
                f"{m['layer']}.{m['method']}": int(m["targets"])
                for _, m in of_vantage(methods, row).iterrows()
            }
            main, count = next(iter(ways.items()))
            evidence["methods"] = ways
            confidence = _mean(mine[(mine["status"] == "blocked") & ~mine["dead"]])
            share, low, high = (f"{row[column]:.0%}" for column in ("share", "low", "high"))
            given: dict[str, Any] = {"isp": name, "blocked": blocked, "decided": decided}
            given |= {"share": share, "low": low, "high": high}
            # A main method is one that most blocked targets meet; the commonest of many is none.
            if 2 * count > blocked:
                text = phrase(
                    "{isp}: {blocked} of {decided} decided targets are blocked "
                    "({share}, 95 % interval {low} to {high}), mainly by {method} ({n} of {blocked}).",
                    **given,
                    method=main,
                    n=count,
                )
                yield Finding(whose, "isp.main_method", text, evidence, confidence)
            else:
                text = phrase(
                    "{isp}: {blocked} of {decided} decided targets are blocked "
                    "({share}, 95 % interval {low} to {high}), by no one main method: {methods}.",
                    **given,
                    methods=_listed(ways),
                )
                yield Finding(whose, "isp.no_main_method", text, evidence, confidence)
        yield from _own_filter(whose, name, mine)


def _own_filter(whose: str, name: str, mine: pd.DataFrame) -> Iterator[Finding]:
    """Say when a line stands behind a filter of its own, such as a school's: its blocks may be that one's."""
    filtered = mine[mine["label"] == "inconclusive(own_filter)"]
    categories = sorted(set(filtered["category"].dropna()))
    if len(filtered) < _FILTERED_TARGETS or len(categories) < _FILTERED_CATEGORIES:
        return
    blocked = int((mine["status"] == "blocked").sum())
    yield Finding(
        whose,
        "isp.own_filter",
        phrase(
            "{isp}: {n} targets of unrelated categories ({categories}) meet a filter that belongs to the "
            "line, such as a school's; the {blocked} blocked ones may be its work.",
            isp=name,
            n=len(filtered),
            categories=", ".join(categories),
            blocked=blocked,
        ),
        {"filtered": len(filtered), "categories": categories, "blocked": blocked},
        _mean(filtered),
    )


def _mechanisms(subject: str, verdicts: pd.DataFrame) -> Iterator[Finding]:
    """Compare the ISPs' methods on the targets that two of them or more block."""
    blocked = verdicts[(verdicts["status"] == "blocked") & ~verdicts["dead"]]
    way = blocked["layer"].str.cat(blocked["method"], sep=".")
    isp = pd.Series([isp_name(row) for _, row in blocked.iterrows()], index=blocked.index, dtype="string")
    common = blocked["input"].map(isp.groupby(blocked["input"]).nunique()) > 1
    if not common.any():
        alone = phrase(
            "The ISPs' methods cannot be compared: no target is blocked on two of the ISPs measured."
        )
        yield Finding(subject, "country.mechanisms_unknown", alone, {"isps_blocking": isp.nunique()}, 1.0)
        return
    table = pd.DataFrame({"isp": isp, "input": blocked["input"], "way": way})[common]
    alike = total = 0
    for _, cells in table.groupby("input"):
        pairs = list(combinations(cells["way"], 2))
        total += len(pairs)
        alike += sum(a == b for a, b in pairs)
    isps, ways = table["isp"].nunique(), sorted(table["way"].unique())
    shares = pd.crosstab(table["isp"], table["way"], normalize="index")
    u = theil([dict(zip(shares.columns, map(float, row), strict=True)) for row in shares.to_numpy()])
    evidence = {
        "isps": isps,
        "targets": int(table["input"].nunique()),
        "methods": ways,
        "pairs": total,
        "pairs_alike": alike,
        "uncertainty_coefficient": None if u is None else round(u, 3),
    }
    where = (
        f"Where two of {isps} ISPs block the same target they use the same method in {alike} of {total} cases"
    )
    if isps < LEAST_ISPS:
        text = f"{where}; fewer than {LEAST_ISPS} ISPs do not tell whether mechanisms are uniform."
        yield Finding(subject, "country.mechanisms_unknown", text, evidence, 1.0)
    elif alike == total:
        text = f"{where}: the mechanisms are uniform."
        yield Finding(subject, "country.mechanisms_uniform", text, evidence, wilson(isps, isps)[0])
    else:
        text = f"{where}: the mechanisms are mixed ({', '.join(ways)})."
        yield Finding(subject, "country.mechanisms_mixed", text, evidence, _mean(blocked[common]))


def _dead(subject: str, verdicts: pd.DataFrame) -> Iterator[Finding]:
    dead = sorted(verdicts.loc[verdicts["dead"], "input"].unique())
    if dead:
        text = phrase("Targets that are dead on every ISP, and so not counted as blocked: {n}.", n=len(dead))
        yield Finding(subject, "country.dead_targets", text, {"targets": dead}, 1.0)


def _refusal(subject: str, verdicts: pd.DataFrame) -> Iterator[Finding]:
    """Say what a server that refuses the country would look like, too: it is cut on every ISP."""
    cells = verdicts[verdicts["status"].isin(DECIDED) & ~verdicts["dead"]]
    way = cells["layer"].str.cat(cells["method"], sep=".")
    like = ((cells["status"] == "blocked") & way.isin(list(LIKE_REFUSAL))).groupby(cells["input"])
    everywhere = like.all() & (like.size() >= MIN_ISPS)
    targets = sorted(everywhere.index[everywhere])
    if targets:
        text = (
            "Blocked targets that are cut on every ISP in ways in which a server that refuses the whole "
            f"country cuts, too: {len(targets)}. A control abroad does not see that; where they are cut "
            "tells it apart (gatewatch locate)."
        )
        yield Finding(subject, "country.like_refusal", text, {"targets": targets}, 1.0)


def _border(subject: str, borders: pd.DataFrame) -> Iterator[Finding]:
    """Say whether the ISPs' paths leave the country over a common hop."""
    links = usable(borders)
    users: dict[tuple[str, str], set[str]] = {}
    hidden: set[str] = set()
    isps: set[str] = set()
    for _, row in links.iterrows():
        isp = isp_name(row)
        isps.add(isp)
        if row["gap"] > 0:
            hidden.add(isp)
        for side in ("domestic", "foreign"):
            # A first hop withheld down to its prefix is many routers.
            if "/" not in str(row[f"{side}_address"]):
                users.setdefault((side, str(row[f"{side}_address"])), set()).add(isp)
    evidence: dict[str, Any] = {"isps": len(isps), "paths": len(links), "isps_with_hidden_hops": len(hidden)}
    if len(isps) < 2:
        text = phrase(
            "Whether ISPs share a border hop cannot be told: ISPs whose border link is known: {n}.",
            n=len(isps),
        )
        yield Finding(subject, "country.border_unknown", text, evidence, 1.0)
        return
    shared = {hop: sorted(names) for hop, names in users.items() if len(names) > 1}
    if not shared:
        text = phrase(
            "No two of {isps} ISPs share a border hop on {paths} paths abroad.",
            isps=len(isps),
            paths=len(links),
        )
        if hidden:
            text = phrase(
                "No two of {isps} ISPs share a border hop on {paths} paths abroad; on {hidden} of them hops "
                "between home and abroad told nothing and could be shared.",
                isps=len(isps),
                paths=len(links),
                hidden=len(hidden),
            )
        # An ISP with hidden hops does not support the statement.
        confidence = wilson(len(isps - hidden), len(isps))[0]
        yield Finding(subject, "country.border_apart", text, evidence, confidence)
        return
    sharing = set().union(*shared.values())
    evidence["shared"] = [
        {"side": side, "address": address, "isps": names}
        for (side, address), names in sorted(shared.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    most = evidence["shared"][0]
    text = phrase(
        "{sharing} of {isps} ISPs share a border hop with another; the most shared is {address} "
        "on the {side} side ({names}).",
        sharing=len(sharing),
        isps=len(isps),
        address=most["address"],
        side=_DOMESTIC if most["side"] == "domestic" else _FOREIGN,
        names=", ".join(most["isps"]),
    )
    confidence = wilson(len(sharing), len(isps))[0]
    yield Finding(subject, "country.border_shared", text, evidence, confidence)


def _gateway(subject: str, gate: Found, country: Country) -> Iterator[Finding]:
    """Say whether there is a gate, with what it rests on and what would tell more."""
    for _, row in of_country(gate.answers, country).iterrows():
        posterior = dict(plain(of_country(gate.posterior, country), "kind", "probability"))
        steps = list(plain(of_country(gate.steps, country), "step", "bits"))
        evidence: dict[str, Any] = {
            "posterior": {kind: round(chance, 4) for kind, chance in posterior.items()},
            **{name: int(row[name]) for name in ("isps", "units", "located", "contrasted")},
            "seen": dict(plain(of_country(gate.weighed, country), "piece", "seen")),
            "why": [] if pd.isna(row["why"]) else str(row["why"]).split("; "),
            "steps": [{"step": step, "bits": round(bits, 3)} for step, bits in steps],
        }
        text = f"Is there a gateway? {said(row)}"
        if row["answer"] == UNDETERMINED:
            if steps:
                text += f" What would tell most: {steps[0][0]}."
            yield Finding(subject, "country.gateway_undetermined", text, evidence, 1.0)
        else:
            statement = f"country.gateway_{str(row['answer']).replace(' ', '_')}"
            yield Finding(subject, statement, text, evidence, round(float(row["probability"]), 3))


def of_vantage(frame: pd.DataFrame, keys: Any) -> pd.DataFrame:
    """Give the rows of one vantage; ``keys`` is anything with the columns of a vantage."""
    mine = pd.Series(True, index=frame.index)
    for name in VANTAGE:
        mine &= frame[name] == keys[name]
    return frame[mine]


def _mean(cells: pd.DataFrame) -> float:
    """Give the mean confidence of verdicts; 0 where none states any."""
    mean = cells["confidence"].mean()
    return 0.0 if pd.isna(mean) else round(float(mean), 3)


def _listed(ways: Mapping[str, int]) -> str:
    return ", ".join(f"{way} {count}" for way, count in ways.items())
