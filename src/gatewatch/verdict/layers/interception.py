"""Rules about who answers on port 53, for ``intercept`` measurements."""

from __future__ import annotations

from gatewatch.verdict.expr import F
from gatewatch.verdict.rule import Rule

_KIND = F("intercept")

INTERCEPTION = (
    Rule(
        id="dns.intercept.home",
        layer="dns",
        status="tampered",
        method="dns.proxied",
        when=(_KIND == "proxy") & (F("intercept_hop") == 1),
        evidence="questions to {intercept_resolver} are answered by somebody else at {intercept_link}, "
        "perhaps the household's own router: {intercept_signs}",
        # Home routers of some makers do so, and so do people who run a filter of their own.
        confidence=0.6,
        source='Randall et al., IMC 2021, "Home is where the hijacking is"',
    ),
    Rule(
        id="dns.intercept.proxy",
        layer="dns",
        status="tampered",
        method="dns.proxied",
        when=_KIND == "proxy",
        evidence="questions to {intercept_resolver} are answered by somebody else at {intercept_link}: "
        "{intercept_signs}",
        confidence=0.9,
        source="Malaysia, August 2024 (iMAP; net4people/bbs 392): every name, and nothing goes beyond",
    ),
    Rule(
        id="dns.intercept.injector",
        layer="dns",
        status="blocked",
        method="dns.injected",
        when=_KIND == "injector",
        evidence="{host}: forged answers in the name of {intercept_resolver} from {intercept_link}: "
        "{intercept_signs}",
        confidence=0.95,
        source="Anonymous et al., FOCI 2020: only forbidden names, whoever is asked",
    ),
    Rule(
        id="dns.intercept.dropper",
        layer="dns",
        status="blocked",
        method="dns.timeout",
        when=_KIND == "dropper",
        evidence="{host}: {intercept_signs}, by {intercept_resolver}",
        # Asked six times, the last three when an encrypted channel had its answer.
        confidence=0.8,
        source="controls: an innocuous name over the same way, the name itself over an encrypted channel",
    ),
    Rule(
        id="dns.intercept.bogon",
        layer="dns",
        status="blocked",
        method="dns.bogon",
        when=(_KIND == "resolver_lies") & F("intercept_forged"),
        evidence="{host}: {intercept_resolver} itself answers so: {intercept_signs}",
        confidence=0.9,
        source="RFC 6890; the same resolver over an encrypted channel",
    ),
    Rule(
        id="dns.intercept.nxdomain",
        layer="dns",
        status="blocked",
        method="dns.nxdomain",
        when=_KIND == "resolver_lies",
        evidence="{host}: {intercept_resolver} itself denies it: {intercept_signs}",
        confidence=0.85,
        source="the same resolver over an encrypted channel",
    ),
    Rule(
        id="dns.intercept.silent",
        layer="dns",
        status="inconclusive",
        reason="silent",
        when=_KIND == "unclear",
        evidence="nothing could be told of {intercept_resolver}: {intercept_signs}",
        confidence=1.0,
        source="without an answer to an innocuous name there is no control",
    ),
    Rule(
        id="dns.intercept.ok",
        layer="dns",
        status="ok",
        when=_KIND == "none",
        evidence="{intercept_resolver} is answered by who was asked, {host} included {intercept_signs}",
        confidence=0.9,
        source="identity, documentation space and TTL agree",
    ),
)
