"""From the options of a run to the session that it will be: targets, plan, probes, vantage, surroundings."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gatewatch.cli import known, signs, tables
from gatewatch.cli.options import RATE, Options
from gatewatch.cli.tiers import Tiers
from gatewatch.words import count

if TYPE_CHECKING:
    from gatewatch.runner.about import Vantage
    from gatewatch.runner.plan import Plan
    from gatewatch.runner.probes import Probe
    from gatewatch.runner.session import Session, Surroundings
    from gatewatch_targets import Target


_NONE = "no targets to measure"


def lab_names(lab: str) -> tuple[str, str]:
    """Read --lab as scenario and ISP, and see that there is such a place; raises click.UsageError."""
    return _place(lab)[1:]


def place(lab: str) -> dict[str, str]:
    """Read --lab as a run of it says where it was."""
    name, _, isp = _place(lab)
    return {"scenario": name, "isp": isp}


def _place(lab: str) -> tuple[str, str, str]:
    """Give the scenario's own name, what names it here, and the ISP."""
    from gatewatch.lab.country.decode import ScenarioError
    from gatewatch.lab.country.scenario import load

    scenario, colon, isp = lab.rpartition(":")
    if not colon:
        raise click.UsageError("--lab takes SCENARIO:ISP, such as kh-2024:metfone")
    try:
        found = load(scenario)
        found.isp(isp)
    except (ScenarioError, LookupError) as error:
        raise click.UsageError(str(error.args[0])) from None
    return found.name, scenario, isp


def session(chosen: Options) -> Session:
    """Prepare what the options ask for; raises click.UsageError."""
    from gatewatch.cli.consent import LOCATE_VERSION, VERSION, stop_file
    from gatewatch.lab import rehearse
    from gatewatch.net.restraint import Restraint
    from gatewatch.runner.about import Vantage
    from gatewatch.runner.budget import Budget
    from gatewatch.runner.probes import consents
    from gatewatch.runner.session import Session, Surroundings
    from gatewatch.store import default_root
    from gatewatch_targets import helpers
    from gatewatch_targets.text import COUNTRY

    surroundings, vantage = Surroundings(), None
    if chosen.lab:
        surroundings, vantage = rehearse.in_memory(*lab_names(chosen.lab), seed=chosen.seed)
    elif (found := rehearse.inside()) is not None:
        surroundings, vantage = found
    in_lab = surroundings.lab is not None
    if chosen.resume:
        vantage = _resumed(chosen.resume, surroundings.lab) or vantage
    if vantage is None:
        if not COUNTRY.fullmatch(chosen.country.upper()):
            raise click.UsageError(f"--country takes a two-letter code, such as KH, not {chosen.country!r}")
        vantage = Vantage(chosen.country.upper(), chosen.asn, chosen.isp, chosen.network_type)
    risk = chosen.risk or ("high" if in_lab else "low")
    lists = signs.join(chosen.fingerprints, quiet=chosen.quiet)
    # Nothing is sent in the lab, nor for a plan, and who names addresses one by one has chosen them.
    ask = not in_lab and not chosen.plan_only and not chosen.urls
    plan, probes = _plan(chosen, vantage.country, risk, lists, ask=ask)
    rate = chosen.rate or float(plan.settings.get("rate", rehearse.RATE if in_lab else RATE))
    return Session(
        root=chosen.resume.parent if chosen.resume else chosen.root or default_root(),
        plan=plan,
        probes=probes,
        vantage=vantage,
        rate=rate,
        domestic_helpers=() if chosen.no_helper else chosen.domestic_helper,
        helpers=() if chosen.no_helper else chosen.helper or tuple(h.url for h in helpers()),
        budget=Budget(run=chosen.max_time, total_bytes=chosen.max_bytes),
        consent_version=None if in_lab else VERSION,
        locate_consent_version=LOCATE_VERSION if not in_lab and consents(probes.values()) else None,
        # A large table takes a moment to read, and a plan asks nobody whose an address is.
        whereabouts=None
        if chosen.plan_only
        else tables.whereabouts(chosen.prefixes, surroundings.files.get("prefixes.csv")),
        restraint=Restraint(chosen.most_triggers, chosen.most_targets, stop=stop_file()),
        deep=_deep(chosen, surroundings),
        pcap=chosen.pcap,
        reply_ttl=chosen.reply_ttl,
        resume=chosen.resume,
        surroundings=surroundings,
    )


def _deep(chosen: Options, surroundings: Surroundings) -> bool:
    """Whether packets are captured; raises click.UsageError where that was asked for and cannot be."""
    if not (chosen.deep or chosen.pcap):
        return False
    # In memory the lab itself is listened to.
    if (surroundings.lab or {}).get("attach") != "memory":
        from gatewatch.net import capture

        if why := capture.why():
            raise click.UsageError(why)
    return True


def _resumed(folder: Path, lab: Mapping[str, Any] | None) -> Vantage | None:
    """Give the vantage of a run that goes on; it must go on where it was begun, in the lab or outside."""
    from gatewatch.runner.about import Vantage
    from gatewatch.store.files import read_json
    from gatewatch.store.folder import RUN

    try:
        about = read_json(folder / RUN)
        begun, vantage = about.get("lab"), Vantage(**about["vantage"])
    except (OSError, ValueError, LookupError, TypeError):
        # Lost with the disk; the measurements are what counts.
        return None
    same_lab(begun, lab)
    if lab and not begun:
        raise click.UsageError("this run was begun outside the lab: resume it without --lab")
    return vantage


def same_lab(begun: Any, lab: Mapping[str, Any] | None) -> None:
    """See that what a run of the lab leads to stays in that lab; raises click.UsageError."""
    if not isinstance(begun, Mapping):
        # Outside the lab; or somebody's damaged file, of which only so much can be told.
        if begun:
            raise click.UsageError("this run was made in the lab, and does not say in which")
        return
    if not (lab and all(begun.get(key) == lab[key] for key in ("scenario", "isp"))):
        raise click.UsageError(f"this run was begun with --lab {begun.get('scenario')}:{begun.get('isp')}")


def _plan(
    chosen: Options, country: str, risk: str, lists: list[dict[str, Any]], *, ask: bool
) -> tuple[Plan, dict[str, Probe]]:
    from gatewatch.runner.plan import Plan, make
    from gatewatch.runner.probes import NoSuchProbe, fits, load
    from gatewatch.summary.facts import tidy
    from gatewatch_targets.model import RISKS

    try:
        if chosen.resume:
            plan = Plan.from_json(json.loads((chosen.resume / "plan.json").read_text(encoding="utf-8")))
        else:
            settings: dict[str, Any] = {"rate": chosen.rate} if chosen.rate else {}
            if lists:
                settings["fingerprints"] = lists
            seed = random.SystemRandom().getrandbits(32) if chosen.seed is None else chosen.seed
            tiers = Tiers(chosen, country, risk)
            targets = _targets(chosen, country, seed, tiers)
            if ask:
                targets = tiers.one_by_one(targets)
            if not targets:
                raise ValueError(_NONE)
            if tiers.left_out:
                settings["left_out"] = dict(tiers.left_out)
            # A plan is written down, and a home folder's name is often somebody's.
            names = tuple(tidy(Path(name)) if Path(name).is_absolute() else name for name in chosen.probe)
            loaded = {name: load(name) for name in names}
            few = _Few(chosen.most_targets)
            plan = make(
                targets,
                names,
                seed=seed,
                settings=settings,
                traces=chosen.traces,
                fits=lambda name, target: fits(loaded[name], target) and few.admits(loaded[name], target),
            )
            if few.left_out and not chosen.quiet:
                more = count(
                    "{n} site is not located: a run locates only {most}.",
                    "{n} sites are not located: a run locates only {most}.",
                    few.left_out,
                    most=few.most,
                )
                click.echo(more, err=True)
            if not any(item.probe in names for item in plan.items):
                raise ValueError(f"nothing in these lists is for {', '.join(chosen.probe)}")
        probes = {name: load(name) for name in plan.probes}
    except (NoSuchProbe, ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    for probe in probes.values():
        # What is resumed was chosen before.
        if not chosen.resume and probe.risk not in RISKS[: RISKS.index(risk) + 1]:
            raise click.UsageError(f"{probe.name} is of risk tier {probe.risk}: choose it with --risk")
    return plan, probes


class _Few:
    """Lets only so many targets through to probes that need a consent of their own."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.left_out = 0
        self._hosts: set[str] = set()

    def admits(self, probe: Probe, target: Target) -> bool:
        """Count a target of such a probe; True for all others."""
        if not getattr(probe, "consent", "") or target.host in self._hosts:
            return True
        if len(self._hosts) >= self.most:
            self.left_out += 1
            return False
        self._hosts.add(target.host)
        return True


def _targets(chosen: Options, country: str, seed: int, tiers: Tiers) -> list[Target]:
    from gatewatch_targets import BUILTIN, Target, resolve_names

    if chosen.urls:
        try:
            return [Target(url) for url in dict.fromkeys(chosen.urls)]
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    names = chosen.targets or tuple(n for n in ("global", country.lower()) if n in BUILTIN)
    try:
        found = resolve_names(known.lists(names))
    except (OSError, KeyError) as error:
        raise click.UsageError(str(error)) from None
    for problem in found.errors:
        click.echo(str(problem), err=True)
    kept = tiers.allowed(found.targets)
    if not kept:
        # A run that is quiet has not said so.
        higher = f": all {tiers.left_out.total()} are of a higher risk; see --risk" if tiers.left_out else ""
        raise click.UsageError(_NONE + higher)
    if chosen.limit is None or chosen.limit >= len(kept):
        return kept
    # A sample, not the head: lists are sorted by country and category.
    return random.Random(seed).sample(kept, chosen.limit)
