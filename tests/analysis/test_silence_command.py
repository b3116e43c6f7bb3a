import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner
from tests.analysis.runs import PREFIXES, write_run
from tests.core.verdict_build import connect, names, web

from gatewatch.cli.analyse.shutdown import shutdown
from gatewatch.records import Measurement
from gatewatch_analysis.tables import Shutdowns

ABROAD, HOME = "104.16.1.1", "36.37.130.1"
OUT = range(20, 28)


def visits(asn: int, *, out: range = OUT, home: bool = True) -> Iterator[Measurement]:
    """Four visits a day for ten days: five sites abroad, and two at home that never fail."""
    for visit in range(40):
        start = f"2024-05-{1 + visit // 4:02} {visit % 4 * 6:02}:00:00"
        for site in range(7 if home else 5):
            address = ABROAD if site < 5 else HOME
            failure = "generic_timeout_error" if visit in out and address == ABROAD else None
            host = f"{site}.com"
            m = web(
                f"https://{host}/", queries=names([address], host=host), connects=[connect(address, failure)]
            )
            # The name is looked up at home, from a cache.
            keys = replace(m.test_keys, queries=()) if failure else m.test_keys
            yield replace(
                m,
                id=f"{asn}-{visit}-{site}",
                test_keys=keys,
                measurement_start_time=start,
                probe_asn=f"AS{asn}",
                probe_network_name=f"Net {asn}",
            )


def test_a_shut_border_is_told_with_what_was_reached(tmp_path: Path) -> None:
    write_run(tmp_path / "r", [*visits(1), *visits(2)], isp=None, prefixes=PREFIXES)
    got = CliRunner().invoke(shutdown, [str(tmp_path), "--json"])
    assert (got.exit_code, got.stderr) == (0, "")
    told = json.loads(got.stdout)
    [found] = told["shutdowns"]
    assert list(found) == list(Shutdowns.columns())
    assert (found["scope"], found["reach"], found["out"]) == ("every ISP heard", "abroad", 2)
    assert (found["start"], found["end"]) == ("2024-05-06T00:00:00Z", "2024-05-07T18:00:00Z")
    assert told["attempts"] == 2 * 40 * 7
    text = CliRunner().invoke(shutdown, [str(tmp_path)]).stdout
    assert "every ISP that was heard of" in text
    assert "Net 1 (AS1), Net 2 (AS2)" in text


def test_one_isp_is_one_isp(tmp_path: Path) -> None:
    # Nothing tells where the targets are: those at home would hide it.
    write_run(tmp_path / "r", [*visits(1, home=False), *visits(2, out=range(0))], isp=None)
    text = CliRunner().invoke(shutdown, [str(tmp_path)]).stdout
    assert "one ISP, or the lines of it that measured" in text


def test_without_attempts_that_is_said(tmp_path: Path) -> None:
    got = CliRunner().invoke(shutdown, [str(write_run(tmp_path / "r", []))])
    assert (got.exit_code, got.stdout) == (1, "")
