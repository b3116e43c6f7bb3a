"""Traps by name: what a ``[[host]]`` with a ``trap`` does to whoever measures it, and what fails.

The servers are in :mod:`gatewatch.lab.servers.traps` and beside it; here stands only what a scenario needs.
"""

from __future__ import annotations

from typing import Final

_REDIRECT = "leads on to {}"
#: By the label under ``lab-trap.net``.
TRAPS: Final[dict[str, str]] = {
    **{
        f"to-{where}": _REDIRECT.format(what)
        for where, what in {
            "loopback": "127.0.0.1",
            "port": "127.0.0.1:8080",
            "private": "10.0.0.1",
            "metadata": "a cloud's 169.254.169.254",
            "ipv6": "[::1]",
            "mapped": "a mapped IPv6 address",
            "decimal": "127.0.0.1 as one number",
            "octal": "127.0.0.1 in octal",
            "name": "a name of 127.0.0.1",
            "file": "file://",
            "gopher": "gopher://",
            "ssh": "port 22 of another site",
            "nowhere": "a URL without a host",
        }.items()
    },
    "loop": "leads to pool, which leads back",
    "pool": "leads to loop, which leads back",
    "redirect-pages": "leads from page to page",
    "redirect-hosts": "leads to ever new hosts",
    "redirect-slow": "the same, after 8 s each time",
    "redirect-to-silence": "four such, and then silence",
    "redirect-relative": "leads to itself, relatively",
    "redirect-schemes": "leads from http to https and back",
    "redirect-long": "leads to a URL of 60 KB",
    "redirect-label": "leads to a name that is none",
    "silent": "takes the request and says nothing",
    "head-dribble": "a header, a byte a minute",
    "head-endless": "header lines without end",
    "head-one-line": "one header line without end",
    "head-100000": "100,000 header lines",
    "head-many": "16,000 header lines, as many as fit",
    "headers": "2,000 header lines of 100 bytes",
    "cookies": "20 cookies of 3 KB, and a redirect to itself",
    "interim": "100 Continue without end",
    "body-dribble": "a page, a byte a minute",
    "body-sand": "a page, 200 segments of one byte a second",
    "body-addresses": "a page of what looks like addresses, all of which scrubbing must look at",
    "endless": "a page of 10 GB",
    "chunks-tiny": "chunks of one byte without end",
    "chunk-line": "a chunk's first line without end",
    "bomb": "260 KB of gzip that are 256 MiB",
    "bomb-10-gb": "gzip of zeros without end",
    "bomb-deflate": "the same as deflate",
    "bomb-nested": "gzip in gzip in gzip",
    "bomb-twice": "Content-Encoding: gzip, gzip",
    "bomb-br": "brotli, which was not asked for, without end",
    "bomb-zstd": "zstd, which was not asked for, without end",
    "empty-blocks": "compressed blocks that hold nothing, without end",
    "empty-members": "gzip members that hold nothing, without end",
    "tls-silent": "takes the ClientHello and says nothing",
    "tls-dribble": "a handshake record, a byte a minute",
    "tls-hello-requests": "HelloRequests without end, which TLS lets a client ignore",
    "tls-cipher-specs": "ChangeCipherSpecs without end",
    "tls-warnings": "warnings without end",
    "tls-long-hello": "a ServerHello of 16 MB",
    "tls-garbage": "bytes that are no TLS, without end",
    "certificate-large": "a certificate of 1 MB",
    "certificate-chain": "a chain of 301 certificates",
    "quic-versions": "over QUIC: 200 version negotiations for each datagram",
    "quic-retry": "over QUIC: Retry, and again",
    "quic-crypto": "over QUIC: CRYPTO frames without end",
    "quic-garbage": "over QUIC: 200 unreadable datagrams for each",
    "json-garbage": "as a helper: bytes that are no JSON",
    "json-deep": "as a helper: JSON nested 400,000 deep",
    "json-huge": "as a helper: JSON without end",
    "json-wide": "as a helper: a right answer with 6,000 addresses",
    "json-empty": "as a helper: {}",
    "json-dribble": "as a helper: JSON, a byte a minute",
}

# Whom nobody gets a page from, over either scheme.
_PAGELESS = (
    *("silent", "loop", "pool", "cookies", "redirect-pages", "redirect-hosts", "redirect-slow"),
    *(
        "redirect-relative",
        "redirect-to-silence",
        "redirect-schemes",
        "head-dribble",
        "head-endless",
        "head-one-line",
        "head-100000",
    ),
    *("interim", "body-dribble", "body-sand", "json-dribble"),
)


def down(label: str, scheme: str) -> bool:
    """Say whether a trap is down for everybody, abroad as here."""
    return label in _PAGELESS or (scheme == "https" and label.startswith(("tls-", "certificate-")))


#: The methods of the boxes that attack whoever measures (:mod:`gatewatch.lab.boxes.hostile`).
METHODS: Final = {
    "dns-hostile": (
        *("pointer-loop", "many-records", "cname-chain", "truncated", "garbage", "wrong-id", "late-flood"),
    ),
    "tcp-hostile": (
        *(label for label in TRAPS if label.startswith("tls-")),
        *("dns-dribble", "dns-endless", "dns-many", "dns-chain", "dns-loop"),
    ),
    "icmp-flood": ("expired", "foreign", "unreachable"),
}
