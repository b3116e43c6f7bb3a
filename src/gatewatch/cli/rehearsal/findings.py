"""What the analysis found, beside the truth: a table, a row for each thing that had to be found.

It reads what the commands print for machines, and nothing that they keep to themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gatewatch.cli.rehearsal.truth import Led, Out, Truth

#: An interval that is wider than this names no day.
_WIDEST = timedelta(days=4)
# Intervals hold 95 %; of some twenty, two may miss.
_HOLD = 0.9
# The share of the ISPs that must be seen to change their method.
_MOST = 0.75

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing: what it is, how it is, what was found, and whether that is it."""

    what: str
    truth: str
    found: str
    good: bool

    def to_json(self) -> dict[str, Any]:
        """Give it for machines."""
        return {"what": self.what, "truth": self.truth, "found": self.found, "good": self.good}


def score(truth: Truth, analysis: Found, events: Found, blocked_while_out: tuple[int, int]) -> list[Row]:
    """Compare.  ``analysis`` is what `analyse all --json` prints, ``events`` that of `analyse events --json`.

    ``blocked_while_out``: of the measurements on the ISPs and days of the outages, how many say blocked, of
    how many.
    """
    told: dict[str, list[Found]] = {}
    for finding in analysis["findings"]:
        told.setdefault(str(finding["statement"]), []).append(finding["evidence"])
    behind = {isp for led in truth.led for isp in led.isps}
    rows = [_switch(led, told.get("country.switch", []), behind) for led in truth.led]
    if truth.led:
        rows += [_borders(truth.led, told), _located(truth, told), _methods(truth, told), _past(truth, told)]
    for when, kind in (("before", truth.before), ("after", truth.after)):
        if kind:
            rows.append(_gate(when, kind, told.get(f"country.switch_gateway_{when}", [])))
    if truth.out:
        rows += [*_outages(truth.out, told.get("country.outage", [])), _no_filter(blocked_while_out)]
    rows += [_quiet(name, day, analysis, told, events) for name, day in truth.quiet]
    extra = [one for one in told.get("country.switch", []) if not any(_is(one, led) for led in truth.led)]
    rows.append(
        Row(
            "nothing else",
            "no other change of ways",
            _listed(f"{one['node']} {one['at']}" for one in extra),
            not extra,
        )
    )
    return rows


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def _is(found: Found, led: Led) -> bool:
    low, high = map(_day, found["interval"])
    return found["node"] == led.node and low <= led.on <= high and high - low <= _WIDEST


def _switch(led: Led, found: Sequence[Found], behind: set[str]) -> Row:
    """Compare a change of ways; ``behind``: who changed on any day, for those named with no one day."""
    truth = f"{led.on} {led.node}, {len(led.isps)} ISPs"
    mine = [one for one in found if _is(one, led)]
    if not mine:
        return Row("switch", truth, _listed(f"{one['at']} {one['node']}" for one in found), False)
    best = max(mine, key=lambda one: len(set(one["isps"]) & set(led.isps)))
    right = len(set(best["isps"]) & set(led.isps))
    wrong = len(best["isps"]) - right + len(set(best["either"]) - behind)
    low, high = best["interval"]
    when = f"{best['at']} ({low} to {high})" if low != high else f"{best['at']} (that day)"
    text = f"{when} {best['node']}, {right} ISPs" + (f", {wrong} wrongly" if wrong else "")
    text += f", {len(best['either'])} then or on another day" if best["either"] else ""
    return Row("switch", truth, text, not wrong and 2 * right > len(led.isps))


def _borders(led: Sequence[Led], told: Mapping[str, list[Found]]) -> Row:
    wanted = {(one.node, one.router) for one in led}
    found = {(one["node"], one["router"]) for one in told.get("country.switch_border", [])}
    shown = _listed(sorted(f"{router} of {node}" for node, router in found))
    return Row(
        "border node",
        _listed(sorted(f"{router} of {node}" for node, router in wanted)),
        shown,
        found == wanted,
    )


def _located(truth: Truth, told: Mapping[str, list[Found]]) -> Row:
    found = told.get("country.switch_located", [])
    there, located = (sum(int(one[key]) for one in found) for key in ("there", "located"))
    good = located >= 2 and there == located and {one["node"] for one in found} == truth.nodes
    text = f"{there} of {located} ISPs located: at {_listed(sorted({str(one['node']) for one in found}))}"
    return Row("filter there", f"at {_listed(sorted(truth.nodes))}", text, good)


def _methods(truth: Truth, told: Mapping[str, list[Found]]) -> Row:
    days = {isp: led.on for led in truth.led for isp in led.isps}
    to = frozenset().union(*(truth.methods[isp][1] for isp in days))
    wanted = f"to {' or '.join(sorted(to))} on {len(days)} ISPs, each with its ways"
    found = told.get("country.switch_methods", [])
    if len(found) != 1:
        return Row("change of method", wanted, "nothing" if not found else "several", False)
    one = found[0]
    dates: Mapping[str, Sequence[str]] = one["dates"]
    hold = sum(isp in days and _day(low) <= days[isp] <= _day(high) for isp, (low, _, high) in dates.items())
    text = f"to {_listed(one['after'])} on {one['changed']} of {one['of']} ISPs; "
    text += f"{hold} of {len(dates)} intervals hold the day"
    good = set(one["after"]) <= to and one["changed"] >= _MOST * one["of"] and hold >= _HOLD * len(dates) > 0
    return Row("change of method", wanted, text, good and 2 * one["of"] > len(days))


def _past(truth: Truth, told: Mapping[str, list[Found]]) -> Row:
    found = told.get("country.switch_past", [])
    text = _listed(f"{one['isp']}: on 0 of {one['days']} days, at most {one['at_most']:.0%}" for one in found)
    return Row("goes past it", _listed(truth.past), text, {one["isp"] for one in found} == set(truth.past))


def _gate(when: str, kind: str, found: Sequence[Found]) -> Row:
    if len(found) != 1:
        return Row(f"evidence {when}", kind, "nothing", False)
    posterior: Mapping[str, float] = found[0]["posterior"]
    leading = max(posterior, key=lambda name: posterior[name])
    said = "" if found[0]["answer"] == leading else f", said: {found[0]['answer']}"
    return Row(f"evidence {when}", kind, f"{leading} ({_sure(posterior[leading])}){said}", leading == kind)


def _sure(chance: float) -> str:
    return "over 99.9%" if chance > 0.999 else f"{chance:.1%}"


def _outages(out: Sequence[Out], found: Sequence[Found]) -> Iterator[Row]:
    whole = [one for one in found if one["scope"] == "the ISP"]
    for one in out:
        mine = [seen for seen in whole if seen["isp"] == one.isp]
        wanted = f"{one.isp}: {one.first} to {one.last}"
        text = _listed(f"{seen['start'][:10]} to {seen['end'][:10]}" for seen in mine)
        yield Row("outage", wanted, text, len(mine) == 1 and _spans(mine[0], one))
    others = sorted({str(seen["isp"]) for seen in found} - {one.isp for one in out})
    yield Row("no other outage", "none", _listed(others), not others)


def _spans(seen: Found, one: Out) -> bool:
    """Tell whether an outage is the true one: within it, and with an answer before and after."""
    inside = one.first <= _day(seen["start"]) <= _day(seen["end"]) <= one.last
    before = seen["after"] is None or _day(seen["after"]) < one.first
    return inside and before and (seen["before"] is None or _day(seen["before"]) > one.last)


def _no_filter(blocked: tuple[int, int]) -> Row:
    return Row(
        "outage is no filter",
        "none blocked",
        f"{blocked[0]} of {blocked[1]} blocked",
        not blocked[0] and blocked[1] > 0,
    )


def _quiet(name: str, day: date, analysis: Found, told: Mapping[str, list[Found]], events: Found) -> Row:
    """Say what was told of a date at which nothing happened."""
    switches, methods = told.get("country.switch", []), told.get("country.switch_methods", [])
    fired = [f"{one['node']} {one['at']}" for one in switches if _near(day, one["at"])]
    for one in methods:
        fired += [f"method of {isp}" for isp, (_, at, _) in one["dates"].items() if _near(day, at)]
    silent = [one for one in told.get("country.outage", []) if _holds(day, one["start"], one["end"])]
    fired += [f"outage of {one['isp']}" for one in silent]
    steps = [one for one in events["interruptions"] if one["event"] == name]
    fired += [
        f"step of {one['subject']} on {one['isp']}" for one in steps if one["outcome"] in ("up", "down")
    ]
    joint = [one for one in events["joint_changes"] if _near(day, one["date"])]
    fired += [f"{one['isps']} ISPs together in {one['subject']}" for one in joint]
    answers = {one["answer"] for one in events["event_answers"] if one["event"] == name}
    fired += ["detector fired"] if "detector fired" in answers else []
    # A date that nobody looked at would be quiet whatever happened.
    looked = [one for one in steps if one["outcome"] != "cannot tell"]
    text = f"{_listed(fired)} (a step can be told in {len(looked)} of {len(steps)} series)"
    return Row(f"placebo {day}", "nothing", text, not fired and bool(steps))


def _near(day: date, at: str) -> bool:
    """Tell whether something is told of a day, or of one beside it."""
    return abs(_day(at) - day) <= timedelta(days=1)


def _holds(day: date, low: str, high: str) -> bool:
    return _day(low) <= day <= _day(high)
