"""The features of a measurement: a flat record of what was looked at, and what was seen.

Those of a visit's hop stand in :mod:`gatewatch.verdict.hop_features`; here they are joined by those of tests
with rules of their own, and the whole record is a row, or a table of the docs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from gatewatch.records.field import doc
from gatewatch.verdict.hop_features import HopFeatures
from gatewatch.verdict.words import NOT_LOOKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(HopFeatures):
    """One hop of one measurement, in scalars; other tests than a visit have one row, in the same words."""

    app: str = doc(
        "ok, partial, failing, filter, dead, unknown: the app's worst role that it needs", NOT_LOOKED
    )
    app_role: str = doc("which role that is", "")
    app_method: str = doc("how its endpoints fail most often, as layer.word", "")
    app_failure: str = doc("the first failure among them", "")
    app_failing: str = doc("how many of its endpoints fail, for the evidence", "")
    app_tried: int = doc("how many different addresses and ports that is about", 0)
    app_elsewhere: str = doc("ok, failed, not_looked: the control at these endpoints", NOT_LOOKED)
    app_controls: str = doc("ok, failed, not_looked: pages that any line gives, fetched beside", NOT_LOOKED)
    app_roles: str = doc("every role in a word, for the evidence", "")
    app_unverified: bool = doc("certificates of the app's own authority came, which nobody can verify", False)

    quic: str = doc(
        "ok, timeout, refused, reset, unreachable, foreign_certificate, invalid_certificate, failed, "
        "not_looked: handshakes over QUIC for the site's name at its address",
        NOT_LOOKED,
    )
    quic_failure: str = doc("failure of the first that failed", "")
    quic_tries: int = doc("how many there were", 0)
    quic_versions: str = doc(
        "answered, silent, refused, not_looked: a question for versions, without a name, at that address",
        NOT_LOOKED,
    )
    quic_control_sni: str = doc("the same words: a handshake for another name at that address", NOT_LOOKED)
    quic_residual: bool = doc("another name, which had passed there, failed after the site's was sent", False)
    quic_neutral_versions: str = doc(
        "a question for versions at an address that has nothing to do with it", NOT_LOOKED
    )
    quic_neutral_control: str = doc("a handshake there for another name", NOT_LOOKED)
    quic_neutral_test: str = doc("a handshake there for the site's name", NOT_LOOKED)
    quic_tcp: str = doc("what became of TLS over TCP at the site's address, in the words of tls", NOT_LOOKED)
    quic_advertised: str = doc("yes, no, not_looked: the site offers HTTP/3 over TCP (Alt-Svc)", NOT_LOOKED)
    quic_helper: str = doc("ok, failed, not_looked: QUIC at that address from elsewhere", NOT_LOOKED)
    intercept: str = doc("none, proxy, injector, dropper, resolver_lies, unclear: what intercept found", "")
    intercept_hop: int = doc("first TTL that the impostor sees, 0 where not found", 0, unit="hops")
    intercept_link: str = doc("the link it acts on, by the routers on both sides", "")
    intercept_resolver: str = doc("the resolver that was asked", "")
    intercept_forged: bool = doc("there are addresses in the forged answers", False)
    intercept_signs: str = doc("what speaks for the conclusion", "")

    contrast_tls: str = doc(
        "foreign_only, both, domestic_only, neither, cannot_tell, not_looked: on which ways to servers that "
        "have nothing to do with the site its name as SNI meets interference",
        NOT_LOOKED,
    )
    contrast_tls_word: str = doc("reset, eof, timeout: how it was cut; empty where it was not", "")
    contrast_http: str = doc("the same of its name as Host", NOT_LOOKED)
    contrast_http_word: str = doc("reset, eof, timeout, page", "")
    contrast_dns: str = doc(
        "the same of questions for it, sent where no resolver is; what only drops them shows nowhere",
        NOT_LOOKED,
    )
    contrast_dns_word: str = doc("answered, where somebody did", "")
    contrast_said: str = doc("all three in words, with what could not be told and why", "")
    contrast_once: bool = doc("a name was cut once, and had no second chance or passed then", False)
    contrast_missing: str = doc("no_table, no_vantage, no_home, no_abroad, stopped: why less was tried", "")

    pace: str = doc("site, helper, not_looked: whose server the transfers compared came from", NOT_LOOKED)
    pace_same: bool = doc("what came under the two names began alike", False)
    pace_pairs: int = doc("how many pairs of transfers, one for the site's name and one for a neutral one", 0)
    pace_ratio: float = doc("how many times slower the site's name was, -1 where unknown", -1.0)
    pace_low: float = doc("lower bound of the ratio's 99 % interval, -1 where unknown", -1.0)
    pace_high: float = doc("upper bound", -1.0)
    pace_kbps: float = doc("median rate for the site's name, -1 where unknown", -1.0, unit="kbit/s")
    pace_neutral_kbps: float = doc("median rate for the neutral name", -1.0, unit="kbit/s")
    pace_failed: int = doc("transfers for the site's name that failed", 0)
    pace_neutral_failed: int = doc("transfers for the neutral name that failed", 0)
    pace_small: int = doc("transfers for the neutral name that were too small to say anything", 0)

    middlebox_echo: str = doc(
        "same, changed, not_looked: a request in random letters, as a helper got it", NOT_LOOKED
    )
    middlebox_changes: str = doc("what was changed, first six", "")
    middlebox_odd: str = doc(
        "echoed, changed, answered (by somebody else), cut, not_looked: odd first lines to that helper",
        NOT_LOOKED,
    )
    middlebox_odd_answer: str = doc("status and title of such an answer", "")
    middlebox_early: bool = doc("an answer came sooner than from where the server is", False)
    middlebox_early_by: str = doc("which, and how soon", "")
    middlebox_host: str = doc(
        "same, differs, sooner (than the site can answer), reset, eof, timeout, unclear, not_looked: the "
        "site's name as Host, beside other spellings of it",
        NOT_LOOKED,
    )
    middlebox_host_passed: str = doc("the spellings that passed where the plain name did not", "")

    ports_base: str = doc(
        "passed, failed, not_looked: the port of a helper that says on which others it answers, each time",
        NOT_LOOKED,
    )
    ports_tcp: str = doc(
        "ok, refused, timeout, reset (a service's port was cut, twice), unclear, not_looked", NOT_LOOKED
    )
    ports_udp: str = doc("the same over UDP", NOT_LOOKED)
    ports_tcp_controls: str = doc(
        "passed, cut, few: ports of services that have nothing to do with tunnels, and one given to nobody",
        NOT_LOOKED,
    )
    ports_udp_controls: str = doc("the same over UDP", NOT_LOOKED)
    ports_cut: str = doc("which services' ports were cut, and how", "")
    ports_cut_controls: str = doc("which of the others were", "")
    ports_answered: str = doc("how many services' ports answered, of how many", "")


NAMES = tuple(field.name for field in fields(Features))
_VALUES = attrgetter(*NAMES)
_AT_REST = {field.name: field.default for field in fields(Features) if field.name != "test"}


def at_rest() -> dict[str, Any]:
    """Give the features of which nothing was seen, by name; all but ``test``."""
    return dict(_AT_REST)


def as_row(features: Features) -> dict[str, Any]:
    """Give the features as a mapping of names to scalars."""
    return dict(zip(NAMES, _VALUES(features), strict=True))


def features_markdown() -> str:
    """Write the table of features for the docs."""
    lines = ["| feature | what it says |", "|---|---|"]
    lines += [f"| `{field.name}` | {field.metadata['doc']} |" for field in fields(Features)]
    return "\n".join(lines) + "\n"
