"""Folders and files in which strangers wrote whatever they liked: runs, OONI's, Atlas', scamper's, lists.

One run is made by the product itself, with a probe that meets nothing but payloads; one is somebody else's
folder, in which nothing has to be as we would have written it.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.marker import PAYLOADS, WORD, Marker
from tests.worlds.writer import ONE, OWN_KEYS

from gatewatch.lab import rehearse
from gatewatch.net.wire import Wire
from gatewatch.records import Measurement, TestKeys, dumps, encode
from gatewatch.runner.plan import Item, Plan
from gatewatch.runner.session import Session, conduct
from gatewatch.unattended.duty import Duty, Orders
from gatewatch_targets import Target

TIME = "2024-05-01 12:00:00"
#: What is checked before it is used, so that the rest of the record gets further.
TAME: dict[str, Any] = {
    "measurement_start_time": TIME,
    "test_start_time": TIME,
    "probe_cc": "KH",
    "probe_asn": "AS38623",
    "test_name": "web_connectivity",
}
VERDICTS = (("blocked", "dns", "redirect"), ("blocked", "tls", "reset"), ("ok", None, None))


@dataclass(frozen=True)
class World:
    """Where things lie."""

    folder: Path

    @property
    def runs(self) -> Path:
        """Two runs under one root."""
        return self.folder / "runs"

    @property
    def others(self) -> Path:
        """OONI's lines, archives, Atlas', scamper's, and a table of networks."""
        return self.folder / "others"

    @property
    def country(self) -> Path:
        """Twelve days of an emulated country, whose networks, sites and categories are called strangely."""
        return self.folder / "country"

    @property
    def cables(self) -> Path:
        """A list of cables."""
        return self.folder / "cables.json"

    @property
    def targets(self) -> Path:
        """A list of targets, of which some lines are usable."""
        return self.folder / "list.csv"

    @property
    def scenario(self) -> Path:
        """A scenario of the lab."""
        return self.folder / "strange.toml"

    @property
    def prefixes(self) -> Path:
        """A table that says whose addresses are."""
        return self.folder / "prefixes.csv"


def made(folder: Path) -> World:
    """Write it all below a folder."""
    world = World(folder)
    for each in (world.runs, world.others):
        each.mkdir()
    _measured(world.runs)
    _somebody_elses(world.runs / "20240501T120000Z-abcdef")
    _sources(world.others)
    _country(world.country)
    _tables(world)
    return world


class Meets:
    """A probe that meets payloads only: what it gives back, and what it raises."""

    name = "meets"
    test_name = "web_connectivity"
    version = "1.0.0"
    risk = "low"
    typical_bytes = 1

    def __init__(self) -> None:
        self.turn = 0

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        self.turn += 1
        if self.turn % 5 == 0:
            raise ValueError(PAYLOADS[self.turn % len(PAYLOADS)])
        keys: TestKeys = Marker(self.turn).record(TestKeys)
        return keys


def _measured(root: Path) -> None:
    """A run that the product makes, unattended."""
    surroundings, vantage = rehearse.in_memory("small", "clear", seed=1)
    vantage = dataclasses.replace(vantage, isp=PAYLOADS[0])
    items = tuple(Item(f"meets-{n}", "meets", Target(f"https://h{n}.example/{WORD}")) for n in range(12))
    session = Session(
        root=root,
        plan=Plan(items, 1, "2026-11-24T00:00:00Z", {}),
        probes={"meets": Meets()},
        vantage=vantage,
        surroundings=surroundings,
    )
    ended = Duty(Orders(root=root, codes={"done": 0}, otherwise=1)).do(lambda seen: conduct(session, seen))
    assert ended.outcome == "partial", ended


def lines(*, plain: bool = False) -> Iterator[bytes]:
    """Measurements in which every field has held every payload, own records in place or as they came.

    ``plain``: without our own keys.
    """
    for turn in range(len(PAYLOADS)):
        marker = Marker(turn)
        whole: Measurement = marker.record(Measurement)
        if not plain:
            yield dumps(whole)
        status, layer, method = VERDICTS[turn % len(VERDICTS)]
        verdict: dict[str, Any] = {"status": status, "layer": layer, "method": method, "confidence": 0.9}
        verdict |= {"label": f"{status}{marker.text()}", "rule": marker.text(), "evidence": [marker.text()]}
        target = {"category": marker.text(), "risk": "low", "lists": [marker.text()], "why": marker.text()}
        tame = dataclasses.replace(
            whole,
            **TAME,
            input=f"https://t{turn}.example/{PAYLOADS[turn]}",
            x_gatewatch_target=None if plain else target,
            x_gatewatch_verdict=None if plain else verdict,
        )
        yield dumps(tame)
        if plain:
            continue
        slim = dataclasses.replace(tame, annotations={}, extra={})
        for test, key, cls in OWN_KEYS:
            row = marker.record(cls)
            own = encode(row if turn % 2 else _placed(marker, row))
            extra = own if not key else {key: own if key in ONE else [own]}
            yield dumps(dataclasses.replace(slim, test_name=test, test_keys=TestKeys(extra=extra)))


def _placed(marker: Marker, row: Any) -> Any:
    """Addresses where addresses are read, so that what stands beside them is read, too."""
    changed: dict[str, Any] = {}
    for each in dataclasses.fields(row):
        value = getattr(row, each.name)
        if each.name.endswith("address") or each.name in ("destination", "offender"):
            changed[each.name] = f"36.37.{marker.turn}.9"
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            changed[each.name] = tuple(_placed(marker, inner) for inner in value)
    return dataclasses.replace(row, **changed)


def _somebody_elses(folder: Path) -> None:
    folder.mkdir()
    (folder / "measurements.jsonl").write_bytes(b"".join(lines()) + b"\x1b[35;5;7m" + WORD.encode() + b"\n")
    marker = Marker(0)
    about = {
        "state": marker.text(),
        "reason": marker.text(),
        "started": marker.text(),
        "vantage": {key: marker.text() for key in ("country", "asn", "isp", "network_type")},
        "skipped": [{"item": "a", "why": text} for text in PAYLOADS],
        "verdicts": {f"blocked({text})": 1 for text in PAYLOADS},
        "lab": {"scenario": marker.text(), "isp": marker.text()},
    }
    (folder / "run.json").write_text(json.dumps(about))
    items = [{"id": text, "probe": text, "target": {"url": text}} for text in PAYLOADS]
    plan = {"items": items, "probes": list(PAYLOADS), "created": marker.text(), "seed": 1}
    plan["settings"] = {"left_out": dict.fromkeys(PAYLOADS, 1)}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "prefixes.csv").write_bytes(_networks())


def _networks() -> bytes:
    names = [text.replace('"', '""') for text in PAYLOADS]
    rows = [f'36.37.{n}.0/24,{38000 + n},KH,"{name}"' for n, name in enumerate(names)]
    text = "prefix,asn,country,name\n36.37.128.0/17,38623,KH,Metfone\n" + "\n".join(rows) + "\n"
    return text.encode("utf-8", "surrogatepass")


def _sources(folder: Path) -> None:
    plain = b"".join(lines(plain=True))
    (folder / "ooni.jsonl.gz").write_bytes(gzip.compress(plain, 1))
    names = [text for text in PAYLOADS if "\x00" not in text and len(text) < 200 and "\ud800" not in text]
    one = next(iter(lines(plain=True)))
    with tarfile.open(folder / "a.tar.gz", "w:gz", compresslevel=1) as tar:
        for name in names:
            info = tarfile.TarInfo(f"{name}.jsonl")
            info.size = len(one)
            tar.addfile(info, io.BytesIO(one))
    with zipfile.ZipFile(folder / "b.zip", "w") as packed:
        for name in names:
            packed.writestr(f"{name}.jsonl", one)
    (folder / "traces.jsonl").write_text("\n".join(map(json.dumps, _traces())) + "\n")
    # What a file is called is a stranger's word, too, where an archive was unpacked.
    for text in (
        "\x1b[35;5;7m",
        "[bold red]x[/]",
        "\u202ejsonl",
        "=cmd|'x'",
        "<img src=x onerror=1>",
        "a\nb",
    ):
        (folder / f"{text}{WORD}.jsonl".replace("/", "_")).write_bytes(b"{\n" + one)


def _country(folder: Path) -> None:
    """What the notebooks measure, in days on which something happens, with other names."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "analysis" / "notebooks"))
    try:
        import emulated  # type: ignore[import-not-found, unused-ignore]
    finally:
        sys.path.pop(0)
    names = {isp.name: PAYLOADS[5 * n + 1] for n, isp in enumerate(emulated.ISPS)}
    days = {"FIRST": 8, "SHUT": 17, "MOVED": 15, "REROUTED": 16, "LAST": 19}
    with pytest.MonkeyPatch.context() as patch:
        for name, day in days.items():
            patch.setattr(emulated, name, date(2023, 2, day))
        patch.setattr(emulated, "OUTAGE", (date(2023, 2, 18), date(2023, 2, 18)))
        emulated.write(folder)
    for run in folder.iterdir():
        file = run / "measurements.jsonl"
        strange = []
        for n, line in enumerate(file.read_text().splitlines()):
            row = json.loads(line)
            row["probe_network_name"] = names[row["probe_network_name"]]
            if isinstance(about := row.get("x_gatewatch_target"), dict):
                about["category"] = PAYLOADS[len(row["input"]) % len(PAYLOADS)] if n % 3 else "NEWS"
            if n % 4 == 0:
                row["input"] = f"{row['input']}{PAYLOADS[n % len(PAYLOADS)]}"
            strange.append(json.dumps(row))
        file.write_text("\n".join(strange) + "\n")
        about = json.loads((run / "run.json").read_text())
        about["vantage"]["isp"] = about["lab"]["isp"] = names[about["vantage"]["isp"]]
        (run / "run.json").write_text(json.dumps(about))
        table = (run / "prefixes.csv").read_text()
        for name, payload in names.items():
            table = table.replace(f",{name}\n", ',"' + payload.replace('"', '""') + '"\n')
        (run / "prefixes.csv").write_bytes(table.encode("utf-8", "surrogatepass"))


def _traces() -> Iterator[dict[str, Any]]:
    from gatewatch.records import HopReply, TraceKeys
    from gatewatch.records.atlas import measurement, to_atlas
    from gatewatch.records.scamper import to_scamper

    for turn, text in enumerate(PAYLOADS):
        replies = [HopReply(ttl=1, address=f"36.37.{turn}.7", rtt=1.0, icmp_type=11, icmp_code=0)]
        replies.append(HopReply(ttl=2, address="36.37.128.9", rtt=2.0, icmp_type=3, icmp_code=3))
        keys = TraceKeys(
            protocol="udp",
            destination="36.37.128.9",
            source_port=50000,
            destination_port=33434,
            reached=True,
            replies=tuple(replies),
            stop="reached",
        )
        m = measurement(keys, 1_714_564_800 + turn, text, 1.0, "x")
        for row in (to_atlas(m, keys), to_scamper(m, keys)):
            strange = {key: text if isinstance(value, str) else value for key, value in row.items()}
            yield {**strange, **{key: row[key] for key in ("type",)}}
            kept = ("type", "dst_addr", "dst", "proto", "method")
            yield {**strange, **{key: row[key] for key in kept if key in row}}
            yield {
                **row,
                "result": [{"hop": 1, "error": text}, {"hop": 2, "result": [{"from": text, "err": text}]}],
            }


def _tables(world: World) -> None:
    world.prefixes.write_bytes(_networks())
    ports = [{"id": "a", "name": "Sihanoukville, Cambodia", "country": "Cambodia", "is_tbd": None}]
    listed = [
        {
            **dict.fromkeys(("name", "owners", "suppliers", "length", "url", "notes", "rfs"), text),
            "id": f"c{n}",
            "rfs_year": 2017,
            "is_planned": False,
            "landing_points": [*ports, {"id": text, "name": text, "country": text, "is_tbd": None}],
        }
        for n, text in enumerate(PAYLOADS)
    ]
    listed += [{**each, "landing_points": ports * 2, "length": "9 km", "rfs": "2017"} for each in listed]
    world.cables.write_text(json.dumps(listed))
    world.scenario.write_text(f"name = {json.dumps(PAYLOADS[0])}\ntitle = {json.dumps(PAYLOADS[2])}\n")
    head = "url,category_code,category_description,date_added,source,notes\n"
    out = io.StringIO(newline="")
    import csv

    writer = csv.writer(out, lineterminator="\n")
    for n, text in enumerate(PAYLOADS):
        writer.writerow((f"https://l{n}.example/", "NEWS", text, "2024-01-01", text, text))
        writer.writerow((f"https://m{n}.example/{text}", "NEWS", "News", "2024-01-01", "x", ""))
        writer.writerow((text, text, text, text, text, text))
    world.targets.write_bytes((head + out.getvalue()).encode("utf-8", "surrogatepass"))
