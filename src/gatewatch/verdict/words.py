"""The words in which features speak: what became of a step, whoever named its failure."""

from __future__ import annotations

from collections.abc import Iterable

# A step's outcome.  ``not_looked``: nobody tried.  ``unusable``: tried, but it says nothing.  Rest: looked.
NOT_LOOKED = "not_looked"
UNUSABLE = "unusable"
OK = "ok"

_REFUSED, _RESET, _TIMEOUT, _EOF = "refused", "reset", "timeout", "eof"
# df-007 first; then the test helper's spellings, which are those of OONI's first, Python probe, whose
# reports (2012 to 2019) also hold the last lines' (OONI spec df-007; ooni/probe-cli oohelperd).
_KIND = {
    "connection_refused": _REFUSED,
    "connection_reset": _RESET,
    "connection_aborted": _RESET,
    "network_reset": _RESET,
    "generic_timeout_error": _TIMEOUT,
    "timed_out": _TIMEOUT,
    "eof_error": _EOF,
    "host_unreachable": "unreachable",
    "network_unreachable": "unreachable",
    "network_down": "unreachable",
    "address_not_available": "unreachable",
    "address_family_not_supported": "unreachable",
    # Whose certificate it is: another's (interception, wrong server) or the site's own, out of date.
    "ssl_unknown_authority": "foreign_certificate",
    "ssl_invalid_hostname": "foreign_certificate",
    "ssl_invalid_certificate": "invalid_certificate",
    "http_invalid_redirect_location_host": "bad_redirect",
    "unknown_failure: stopped after too many redirects": "redirect_loop",
    "connection_refused_error": _REFUSED,
    "deferred_timeout_error": _TIMEOUT,
    "task_timed_out": _TIMEOUT,
    "tcp_timed_out_error": _TIMEOUT,
    "response_never_received": _EOF,
}
_NAME_KIND = {
    "dns_nxdomain_error": "nxdomain",
    "dns_name_error": "nxdomain",
    "dns_lookup_error": "nxdomain",
    "dns_no_answer": "no_answer",
    # Android's getaddrinfo says this of NXDOMAIN and of an empty answer alike (ooni/probe issue 2029).
    "android_dns_cache_no_data": "no_answer",
    "generic_timeout_error": _TIMEOUT,
    "timed_out": _TIMEOUT,
    "deferred_timeout_error": _TIMEOUT,
}
# When several tries failed in different ways: what says most about interference first.
_TELLING = (_RESET, _REFUSED, _EOF, "foreign_certificate", "invalid_certificate", _TIMEOUT, "unreachable")


def kind(failure: str | None) -> str:
    """Sort the failure of a TCP, TLS or HTTP step; ``failed`` for what has no kind of its own."""
    return OK if failure is None else _KIND.get(failure, "failed")


def name_kind(failure: str | None) -> str:
    """Sort the failure of a lookup; ``error`` for what is neither a denial nor silence."""
    return "addresses" if failure is None else _NAME_KIND.get(failure, "error")


def best(kinds: Iterable[str]) -> str:
    """Sum up several tries at one step: ``ok`` when any came through, else the most telling failure."""
    seen = set(kinds)
    if OK in seen:
        return OK
    if not seen:
        return NOT_LOOKED
    if len(seen) == 1:
        (word,) = seen
        return alone(word)
    return next((word for word in _TELLING if word in seen), "failed")


def alone(word: str) -> str:
    """Sum up a single try."""
    return word if word == OK or word in _TELLING else "failed"
