"""The inventory of parsers that read what strangers wrote, and how many inputs each gets of a campaign.

Nothing of gatewatch is imported here: the process of a target does that, with coverage switched on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.fuzz.mutate import Mutate
from benchmarks.fuzz.watch import Check


@dataclass(frozen=True, slots=True)
class Target:
    """A parser: what is done with an input, valid ones to begin with, and how those are changed.

    ``check`` catches the exceptions that the parser declares, and gives what tells its outcome from others.
    """

    check: Check
    seeds: Callable[[], list[bytes]]
    mutate: Mutate


class Entry(NamedTuple):
    """A line of the inventory: the module here, its share of a campaign, and what is called."""

    module: str
    inputs: int
    parsers: str


#: A full campaign: ten million inputs, the most for what is fast.
INVENTORY: dict[str, Entry] = {
    "dns-fast": Entry("wire", 900_000, "net.dnswire parse, question, asked; against dnspython"),
    "dns-read": Entry("wire", 150_000, "net.message read, response; net.identity read"),
    "tls-chain": Entry("wire", 700_000, "net.trust parse_certificates; net.certificate issuer, is_for"),
    "tls-verify": Entry("wire", 50_000, "net.chain verify (QUIC's chains, by OpenSSL)"),
    "tls-hello": Entry("wire", 700_000, "net.hello first_answer; lab.boxes.sni server_name, request host"),
    "http-response": Entry("web", 300_000, "net.response Response: in pieces, whole, and against h11"),
    "http-url": Entry("web", 500_000, "net.url parse, redirected, registered; gatewatch_targets.url parse"),
    "http-fields": Entry("web", 200_000, "runner.line _offset; upload.backoff retry_after; update.download"),
    "http-page": Entry("web", 50_000, "verdict.likeness title, shape, signs; records.control title, h3"),
    "icmp-queue": Entry(
        "wire", 950_000, "net.errqueue parse; net.tracing.pool ancillary data; net.tracing.mpls"
    ),
    "icmp-raw": Entry("wire", 1_000_000, "net.tracing.packets read_ip4, read_ip6"),
    "capture": Entry("wire", 950_000, "net.dissect read; lab.path.packet segment, payload"),
    "quic-versions": Entry("wire", 950_000, "net.quicwire versions, source_id, destination_id"),
    "quic-initial": Entry("wire", 200_000, "lab.path.initial Initials.feed"),
    "helper-request": Entry("helpers", 450_000, "records.control question, address_of, written_port"),
    "helper-served": Entry("served", 50_000, "helper.connection, helper.app: a whole conversation, in bytes"),
    "helper-answer": Entry("helpers", 50_000, "visit.asking Attempt._read, then the whole verdict"),
    "helper-echo": Entry("helpers", 450_000, "visit.echoes _told; helper.ports offered; upload.collector"),
    "list": Entry("lists", 50_000, "gatewatch_targets.lists parse_list: ours, Citizen Lab's, plain"),
    "signs": Entry("lists", 50_000, "gatewatch_targets.signatures read_signs: OONI's, Censored Planet's"),
    "cables": Entry("lists", 80_000, "gatewatch_targets.cables.foreign read_foreign"),
    "prefixes": Entry("lists", 80_000, "whereabouts.prefix parse_prefixes; helper.networks Networks"),
    "hints": Entry(
        "lists", 600_000, "gatewatch_targets.geography.hints hinted; lab and report text printable"
    ),
    "scenario": Entry("tomls", 50_000, "lab.country.scenario load"),
    "config": Entry("tomls", 50_000, "update.catalogue datasets; upload.config destinations"),
    "update": Entry("fetched", 60_000, "update.convert: iptoasn, ranges, pfx2as, citizenlab, signs"),
    "update-json": Entry("fetched", 60_000, "update.convert: peeringdb, cablemap"),
    "table": Entry("fetched", 60_000, "whereabouts.table PrefixTable.load, lookup"),
    "records": Entry("foreign", 50_000, "records.codec loads, dumps, and round again"),
    "atlas": Entry("foreign", 100_000, "records.atlas from_atlas, to_atlas"),
    "atlas-dns": Entry("foreign", 60_000, "loading.formats.atlas_dns from_atlas_dns"),
    "scamper": Entry("foreign", 100_000, "records.scamper from_scamper, to_scamper"),
    "ooni-load": Entry("foreign", 50_000, "loading.loader Loader: the fast way against the slow one"),
    "ooni-tests": Entry("foreign", 50_000, "the same, for trace, locate, contrast and OONI's app tests"),
    "ooni-observe": Entry("foreign", 50_000, "loading.observations Observer, to Arrow"),
    "archive": Entry("archives", 50_000, "loading.blocks: gzip, zstd, tar, lines, whole files"),
    "gzip-lines": Entry("archives", 80_000, "store.lines read, unpacked, label"),
    "status": Entry("own", 60_000, "unattended.status read, faults; update.shelf; consent.ledger; plan"),
    "run-folder": Entry("own", 50_000, "store.runs look; store.recover recover; loading.sources"),
    "scrub": Entry("shown", 50_000, "store.scrub Scrubber.measurement"),
    "shown": Entry("shown", 50_000, "summary.facts gather, wording; store.sheet; cli.results, cli.export"),
    "ledger": Entry("own", 60_000, "upload.ledger Ledger.open"),
    "manifest": Entry("own", 50_000, "dataset.manifest load"),
}
