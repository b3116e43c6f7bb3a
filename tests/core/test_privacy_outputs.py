"""Every file and every export of a run that meets with somebody's secrets everywhere: none of them comes out.

The run is a real one, unattended and with evidence, in the lab; only its probe is made up.  It puts the
person into its records, into what it raises, and into the packets that it files.
"""

import dataclasses
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.worlds.collector import collector
from tests.worlds.commands import here
from tests.worlds.person import Person, anything, files, person

from gatewatch.lab import rehearse
from gatewatch.lab.path import packet as p
from gatewatch.net.capture import Caught
from gatewatch.net.wire import Wire
from gatewatch.records import HttpRequest, HttpResponse, Query, TestKeys, Transaction
from gatewatch.runner import own
from gatewatch.runner.plan import Item, Plan
from gatewatch.runner.session import Session, conduct
from gatewatch.store import Scrubber
from gatewatch.unattended.duty import Duty, Orders
from gatewatch_targets import Target

SERVER = "104.16.1.1"


class Telling:
    """A probe that tells all it knows of a person."""

    name = "telling"
    test_name = "web_connectivity"
    version = "1.0.0"
    risk = "low"
    typical_bytes = 1

    def __init__(self, who: Person, rng: random.Random) -> None:
        self.who, self.rng = who, rng

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        who, rng = self.who, self.rng
        if target.host == "broken.example":
            raise OSError(13, "Permission denied", f"{who.home}/x")
        if target.host == "odd.example":
            raise ValueError(anything(rng, who))
        if wire.evidence is not None:
            wire.evidence("tls", SERVER, packets(rng, who), who.path)
        said = anything(rng, who)
        query = Query(
            answers=(),
            engine="udp",
            failure=anything(rng, who),
            hostname=target.host,
            query_type="A",
            resolver_address=f"{who.router}:53",
            t=0.1,
        )
        request = Transaction(
            failure=None,
            request=HttpRequest(headers={}, headers_list=(), url=target.url),
            response=HttpResponse(
                body=f"{said} {said}", code=200, headers={"X": said}, headers_list=(("X", said),)
            ),
            t=1.0,
        )
        notes = {"x_gatewatch_note": anything(rng, who), "client_resolver": who.router, "title": said}
        return TestKeys(queries=(query,), requests=(request,), extra=notes)


def packets(rng: random.Random, who: Person) -> list[Caught]:
    """A flow from one's own address: a name in the payload, and routers of the first hops that complain."""
    ends = p.packed(who.own4), 61000, p.packed(SERVER), 443
    data = anything(rng, who).encode()
    hello = p.tcp(*ends, seq=7, ack=9, flags=p.ACK | p.PSH, window=500, data=data, ttl=3)
    errors = [
        p.icmp_error(p.TIME_EXCEEDED, 0, p.packed(router), hello, quoted_ttl=1, ttl=62)
        for _, router in who.path
    ]
    return [Caught(1.0, True, hello), *(Caught(1.0 + n, False, each) for n, each in enumerate(errors, 1))]


def run(folder: Path, who: Person, rng: random.Random) -> None:
    """Make one unattended run under a folder."""
    surroundings, vantage = rehearse.in_memory("small", "clear")
    around = dataclasses.replace(surroundings, own_addresses=lambda: who.addresses)
    hosts = ("a.example", "b.example", "broken.example", "odd.example")
    # As `gatewatch run --probe` writes a path: prepare.py.
    probe = "~/mine.py"
    items = tuple(Item(f"mine.py-{n}", probe, Target(f"https://{host}/")) for n, host in enumerate(hosts))
    session = Session(
        root=folder,
        plan=Plan(items, 1, "2026-11-24T00:00:00Z", {}),
        probes={probe: Telling(who, rng)},
        vantage=vantage,
        pcap=True,
        surroundings=around,
    )
    ended = Duty(Orders(root=folder, codes={"done": 0}, otherwise=1)).do(lambda seen: conduct(session, seen))
    # The two that raised are skipped, with their reason.
    assert ended.outcome == "partial", ended


@settings(max_examples=6, deadline=None, derandomize=True)
@given(rng=st.integers(0, 2**64 - 1).map(random.Random))
def test_no_file_and_no_export_tells_of_a_person(
    rng: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    who = person(rng)
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: who.host)
        patch.setattr("getpass.getuser", lambda: who.user)
        patch.setattr(Path, "home", lambda: Path(who.home))
        patch.setattr(own, "ssids", lambda: iter([who.ssid]))
        octets = who.mac.split(":")
        patch.setattr(own, "hardware", lambda: iter(["-".join(octets), "".join(octets)]))
        meet_the_router(patch, who)
        run(root, who, rng)
        here_now = files(root)
        names = {name.rpartition("/")[2] for name in here_now}
        assert {"plan.json", "run.json", "status.json", "unattended.log", "measurements.jsonl.gz"} <= names
        assert any(name.endswith(".pcap") for name in names)
        for words in (
            ("results", "summary"),
            ("results", "show", "latest"),
            ("results", "show", "latest", "--raw"),
            ("results", "list", "--json"),
            ("results", "export", "--ooni"),
            ("results", "export", "--csv"),
        ):
            done = here(*words, "--root", str(root))
            assert done.exit_code == 0 and done.stdout, (words, done.stderr)
            here_now[" ".join(words)] = done.stdout.encode()
        here_now |= uploaded(root, tmp_path_factory.mktemp("there"))
        here_now |= in_parquet(root, tmp_path_factory.mktemp("parquet") / "of.dataset")
    assert {name: who.tells(data) for name, data in here_now.items() if who.tells(data)} == {}


def uploaded(root: Path, there: Path) -> dict[str, bytes]:
    """What is sent: by both of OONI's calls, requests as they came, and into a folder; what is kept of it."""
    with collector() as first, collector() as older:
        config = there / "upload.toml"
        stores = there / "stick"
        stores.mkdir()
        config.write_text(
            "".join(
                f'[{name}]\nkind = "{kind}"\nurl = "{url}"\nlab = true\n{more}'
                for name, kind, url, more in (
                    ("submit", "collector", first.url, ""),
                    ("report", "collector", older.url, 'protocol = "report"\n'),
                    ("stick", "store", f"file://{stores}", ""),
                )
            )
        )
        config.chmod(0o600)
        done = here("results", "upload", "--upload-config", str(config), "--root", str(root))
        assert done.exit_code == 0, done.output
        sent: dict[str, bytes] = {"results upload": done.output.encode()}
        for name, each in (("submit", first), ("report", older)):
            assert len(each.arrived) >= 2
            sent |= {f"{name} request {n}": body for n, body in enumerate(each.requests)}
            sent |= {f"{name} content {n}": content for n, (_, content) in enumerate(each.arrived)}
    in_folder = files(stores)
    assert in_folder
    sent |= {f"stick {name}": name.encode() + b"\n" for name in in_folder}
    sent |= {f"stick content {name}": data for name, data in in_folder.items()}
    # What is remembered of uploads beside the runs.
    return sent | {f"after {name}": data for name, data in files(root).items()}


def in_parquet(root: Path, folder: Path) -> dict[str, bytes]:
    """Each file of a Parquet export, as bytes, its metadata, and each of its rows as text."""
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: no Parquet was read")
    done = here("results", "export", "--parquet", "-o", str(folder), "--root", str(root))
    assert done.exit_code == 0, done.output
    found: dict[str, bytes] = {"results export --parquet": done.output.encode()}
    for name, data in files(folder).items():
        found[name] = name.encode() + b"\n" + data
        if name.endswith(".parquet"):
            file = pyarrow.ParquetFile(folder / name)
            found[f"{name} schema"] = str(file.schema_arrow.metadata).encode()
            rows = file.read().to_pylist()
            found[f"{name} rows"] = b"\n".join(json.dumps(row, default=str).encode() for row in rows)
    assert any(name.endswith(" rows") for name in found)
    return found


def meet_the_router(patch: pytest.MonkeyPatch, who: Person) -> None:
    """Have the lab's line ask the router at home for names."""
    made = Wire.__init__

    def init(self: Wire, *given: object, **more: object) -> None:
        made(self, *given, **more)  # type: ignore[arg-type]
        self.own_resolvers = (who.router,)

    patch.setattr(Wire, "__init__", init)


def test_whoever_looks_at_uploads_and_parquet_finds_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without scrubbing, each way out tells of the person: so the looking is no empty ritual."""
    rng = random.Random(3)
    who = person(rng)
    monkeypatch.setattr(Scrubber, "measurement", lambda _, measurement: measurement)
    run(tmp_path / "runs", who, rng)
    sent = uploaded(tmp_path / "runs", tmp_path)
    rows = in_parquet(tmp_path / "runs", tmp_path / "of.dataset")
    told = {name for name, data in (sent | rows).items() if who.tells(data)}
    for beginning in (
        "submit request",
        "submit content",
        "report request",
        "report content",
        "stick content",
    ):
        assert any(name.startswith(beginning) for name in told), beginning
    assert any(name.endswith(" rows") for name in told)


def test_whoever_looks_finds_what_is_there(tmp_path: Path) -> None:
    rng = random.Random(1)
    who = person(rng)
    for _ in range(50):
        assert who.tells(anything(rng, who).encode())
    assert who.tells(b"".join(caught.data for caught in packets(rng, who))[:4] + b"") == []
    pcap = b"\xd4\xc3\xb2\xa1" + b"".join(caught.data for caught in packets(rng, who))
    assert len(who.tells(pcap)) >= 4


def test_a_probe_of_ones_own_stands_in_the_plan_without_ones_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    name = test_name = 'mine'\n    version = '1.0.0'\n    risk = 'low'\n"
        "    typical_bytes = 1\n    async def measure(self, target, wire): ...\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    plan = here("run", "--plan", "--targets", "np", "--probe", str(tmp_path / "mine.py"), "--json").stdout
    assert '"~/mine.py"' in plan and str(tmp_path) not in plan


def test_what_is_asked_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, address in (("eth0", "02:ab:cd:ef:01:23"), ("veth7", "02:00:00:00:00:07")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "address").write_text(f"{address}\n")
    (tmp_path / "eth0" / "device").mkdir()
    (tmp_path / "lo").mkdir()
    monkeypatch.setattr(own, "_INTERFACES", tmp_path)
    assert list(own.hardware()) == ["02-ab-cd-ef-01-23", "02abcdef0123", "02ab.cdef.0123"]
    assert list(own.ssids()) == []
    # An interface that says it is wireless and is not: nothing is found out, and nothing raised.
    (tmp_path / "lo" / "wireless").mkdir()
    assert list(own.ssids()) == []
    monkeypatch.setattr("socket.gethostname", lambda: "abc")
    assert "abc" not in own.words() and str(Path.home()) in own.words()
