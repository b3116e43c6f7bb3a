"""A summary in words: short, plain, and no surer than the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gatewatch.summary.facts import Facts, Site
from gatewatch.words import count, layout, mark, say, worded
from gatewatch_targets import printable

# How sure, in three words: docs/verdicts.md, "Confidence", says what stands behind the figures.  From 0.9 on
# it is a contradiction that a fault or a bad moment would not give; below 0.7 a harmless one is common.
_SURE = ((0.9, mark("very sure")), (0.7, mark("fairly sure")), (0.0, mark("not sure: look again")))
_LAYERS = {
    "dns": mark("the name server gives a false answer, or none"),
    "tcp": mark("no connection comes about"),
    "tls": mark("the connection is cut when the name of the site is sent"),
    "http": mark("the page is cut off, or another one is shown in its place"),
    "quic": mark("connections by QUIC, a newer protocol, are cut"),
    "udp": mark("the ports of VPN services are cut"),
    "throttled": mark("it is slowed down"),
}
_MITM = mark("somebody else answers in the name of the site")
_PROXIED = mark("somebody on the way passes it on and can read it")
_NOTHING = mark("there was nothing to compare with: no test helper answered")
_LOGIN = mark("a login page stood in between")
_OWN = mark("a filter of your own network answered")
_HERE = mark("something is wrong with this line or this computer; try gatewatch doctor")
_POOR = mark("the line was too slow or unsteady")
_NOT_OFFERED = mark("the site does not offer what was tested")
_SEVERAL = mark("what came back can mean several things")
_REASONS = {
    **dict.fromkeys(("no_control", "control_failed", "no_contrast", "no_cooperating_server"), _NOTHING),
    "captive_portal": _LOGIN,
    **dict.fromkeys(("own_filter", "firewall"), _OWN),
    **dict.fromkeys(("resolver_error", "no_ipv6", "unreachable", "wrong_clock", "old_trust_store"), _HERE),
    **dict.fromkeys(("slow", "noisy", "unstable", "transfer_failed", "too_few", "line"), _POOR),
    **dict.fromkeys(("no_quic", "too_small", "no_neutral", "no_address"), _NOT_OFFERED),
}
_TIERS = {
    "medium": mark("{n} of medium risk, because you did not choose them"),
    "high": mark("{n} of high risk, because you did not choose them"),
}
# More lines than this are no summary; `gatewatch results show` has them all.
_MOST = 12


def sure(confidence: float) -> str:
    """How sure a verdict is, in words."""
    return worded(next(word for least, word in _SURE if confidence >= least))


def how(site: Site) -> str:
    """How a site is interfered with, in words."""
    if site.method == "mitm":
        return worded(_MITM)
    if site.method == "proxied":
        return worded(_PROXIED)
    return worded(_LAYERS[site.layer]) if site.layer in _LAYERS else site.layer


def lines(facts: Facts) -> Iterator[str]:
    """Say what was found, what was not tested, and what can be done."""
    yield say("What was found")
    if facts.lab:
        yield layout.bullet(
            say("This was a rehearsal in an emulated country. It says nothing of the internet.")
        )
    yield layout.bullet(_counted(facts))
    blocked, touched = facts.of("blocked"), facts.of("tampered")
    if blocked:
        yield ""
        yield say("Could not be reached, and it looks like blocking:")
        yield from _listed(blocked, facts)
    if touched:
        yield ""
        yield say("Reached, but somebody on the way interferes:")
        yield from _listed(touched, facts)
    others = list(_others(facts))
    if others:
        yield ""
        yield say("Neither reached nor blocked, as far as can be told:")
        yield from map(layout.bullet, others)
    untested = list(_untested(facts))
    if untested:
        yield ""
        yield say("What was not tested, and why")
        yield from map(layout.bullet, untested)
    yield ""
    yield say("What you can do")
    yield from _advice(facts)


def _counted(facts: Facts) -> str:
    said = count("{n} site was measured.", "{n} sites were measured.", len(facts.sites))
    if facts.sites:
        reached = len(facts.of("ok"))
        said += " " + count("{n} could be reached as usual.", "{n} could be reached as usual.", reached)
        if not facts.of("blocked", "tampered"):
            said += " " + say("Nothing looked blocked.")
    return said


def _listed(sites: tuple[Site, ...], facts: Facts) -> Iterator[str]:
    """Give the sites, together where the same was found as surely."""
    groups: dict[str, list[str]] = {}
    for site in sites[:_MOST]:
        said = say("{how} ({sure})", how=how(site), sure=sure(site.confidence))
        groups.setdefault(said, []).append(site.url)
    for said, urls in groups.items():
        yield layout.bullet(f"{said}:")
        yield from (f"      {printable(url)}" for url in urls)
    if len(sites) > _MOST:
        more = len(sites) - _MOST
        command = f"gatewatch results show {facts.run}"
        yield layout.bullet(
            count("and {n} more: {command}", "and {n} more: {command}", more, command=command)
        )


def _others(facts: Facts) -> Iterator[str]:
    if down := len(facts.of("down")):
        yield count("{n} is down for everybody", "{n} are down for everybody", down)
    if turned := len(facts.of("server_side")):
        yield count("{n} turns visitors away by itself", "{n} turn visitors away by themselves", turned)
    unclear = Counter(_REASONS.get(site.reason, _SEVERAL) for site in facts.of("inconclusive"))
    for text, number in unclear.most_common():
        yield say("{number} unclear: {why}", number=number, why=worded(text))


def _untested(facts: Facts) -> Iterator[str]:
    for tier, number in facts.left_out.items():
        if number and tier in _TIERS:
            yield worded(_TIERS[tier], n=number)
    for why, number in facts.skipped.items():
        yield say("{number}: {why}", number=number, why=worded(why))
    left = facts.unfinished - sum(facts.skipped.values())
    if left > 0:
        yield count(
            "{n} was not begun: the run ended before", "{n} were not begun: the run ended before", left
        )


def _advice(facts: Facts) -> Iterator[str]:
    there = f" --lab {facts.place}" if facts.place else ""
    resume = f"gatewatch run --resume {facts.where}{there}"
    locate = f"gatewatch locate --from {facts.run}{there}"
    show = f"gatewatch results show {facts.run}"
    delete = f"gatewatch results delete {facts.run}"
    if facts.unfinished and facts.state in ("interrupted", "full", "killed", "partial"):
        yield layout.bullet(say("To go on: {command}", command=resume), resume)
    if facts.of("blocked", "tampered"):
        yield layout.bullet(
            say(
                "One measurement can be wrong. Measure again on another day and, if you can, on the line of "
                "another provider."
            )
        )
        yield layout.bullet(
            say("Before you show results to anybody, think about who could tell that they are yours.")
        )
        text = say(
            "To find out where a site is cut: {command}. That is riskier, and shows you its own text first.",
            command=locate,
        )
        # What was rehearsed in a lab that nobody can name is not looked for anywhere.
        if facts.place or not facts.lab:
            yield layout.bullet(text, locate)
    else:
        yield layout.bullet(say("That can change. Measure again from time to time."))
    yield layout.bullet(say("To see everything: {command}", command=show), show)
    yield layout.bullet(say("To delete it: {command}", command=delete), delete)
