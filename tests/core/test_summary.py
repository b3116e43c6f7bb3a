"""The summary after a run: what could not be reached, how sure, what to do, what was not tested and why."""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.worlds.commands import here

import gatewatch.net.restraint
import gatewatch.runner.campaign
from gatewatch.store import create
from gatewatch.summary import reasons, wording
from gatewatch.summary.facts import gather, tidy
from gatewatch.verdict.rules import RULES
from gatewatch.words import use

BLOCKED = {"status": "blocked", "layer": "tls", "method": "reset", "confidence": 0.9}
OK = {"status": "ok", "confidence": 0.95}


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    use("en")


def a_run(
    root: Path, rows: Sequence[tuple[str, Mapping[str, Any] | None]], state: str = "done", **more: Any
) -> Path:
    items = [{"id": str(n)} for n in range(len(rows) + more.pop("more_items", 0))]
    plan = {"probes": ["web"], "items": items, "settings": more.pop("settings", {})}
    folder = create(root, plan, {"vantage": {"country": "KH"}, "lab": None, **more})
    for n, (url, verdict) in enumerate(rows):
        record: dict[str, Any] = {"x_gatewatch_item": str(n), "input": url, "test_name": "web_connectivity"}
        if verdict is not None:
            record["x_gatewatch_verdict"] = verdict
        folder.append(str(n), json.dumps(record).encode() + b"\n")
    folder.close(state)
    return folder.path


def said(folder: Path) -> str:
    return " ".join("\n".join(wording.lines(gather(folder))).split())


def test_what_is_blocked_stands_together_with_how_and_how_sure(tmp_path: Path) -> None:
    rows = [(f"https://{n}.example/", BLOCKED) for n in range(3)] + [("https://z.example/", OK)]
    rows.append(("https://slow.example/", {"status": "tampered", "layer": "throttled", "confidence": 0.75}))
    text = said(a_run(tmp_path, rows))
    assert "5 sites were measured. 1 could be reached as usual." in text
    assert (
        "Could not be reached, and it looks like blocking: - the connection is cut when the name of the site "
        "is sent (very sure): https://0.example/ https://1.example/ https://2.example/"
    ) in text
    assert "somebody on the way interferes: - it is slowed down (fairly sure): https://slow.example/" in text
    assert "on the line of another provider" in text and "rehearsal" not in text


def test_commands_after_a_rehearsal_stay_in_the_lab(tmp_path: Path) -> None:
    rows = [("https://a.example/", BLOCKED)]
    lab = {"scenario": "kh-2024", "isp": "smart", "attach": "memory"}
    folder = a_run(tmp_path, rows, state="interrupted", more_items=1, lab=lab)
    text = said(folder)
    assert f"gatewatch locate --from {folder.name} --lab kh-2024:smart." in text
    assert f"gatewatch run --resume {tidy(folder)} --lab kh-2024:smart" in text
    # Nobody's file puts words of its own into what is to be copied.
    text = said(a_run(tmp_path, rows, lab={"scenario": "x; reboot", "isp": "y"}))
    assert "reboot" not in text and "gatewatch locate" not in text


def test_nothing_blocked(tmp_path: Path) -> None:
    text = said(a_run(tmp_path, [("https://a.example/", OK), ("https://a.example/", None)]))
    assert "1 site was measured. 1 could be reached as usual. Nothing looked blocked." in text
    assert "That can change. Measure again from time to time." in text and "locate" not in text


def test_a_site_counts_once_and_a_block_outweighs_what_could_not_tell(tmp_path: Path) -> None:
    unclear = {"status": "inconclusive", "reason": "no_quic", "confidence": 1.0}
    url = "https://a.example/"
    facts = gather(a_run(tmp_path, [(url, unclear), (url, OK), (url, BLOCKED), (url, unclear)]))
    assert [site.status for site in facts.sites] == ["blocked"]
    facts = gather(a_run(tmp_path, [(url, unclear), (url, OK)]))
    assert [site.status for site in facts.sites] == ["ok"]


def test_what_was_not_tested_and_why(tmp_path: Path) -> None:
    folder = a_run(
        tmp_path,
        [("https://a.example/", OK)],
        state="interrupted",
        more_items=4,
        settings={"left_out": {"medium": 34, "high": 4}},
        skipped=[{"item": "1", "why": "took longer than 180 s"}],
    )
    text = said(folder)
    assert "34 of medium risk, because you did not choose them - 4 of high risk" in text
    assert "1: it took too long - 3 were not begun: the run ended before" in text
    assert f"To go on: gatewatch run --resume {tidy(folder)}" in text


def test_why_nothing_can_be_said_in_words(tmp_path: Path) -> None:
    rows = [("https://a.example/", {"status": "inconclusive", "reason": "no_control", "confidence": 1.0})]
    rows += [("https://b.example/", {"status": "down", "confidence": 0.9})]
    rows += [("https://c.example/", {"status": "server_side", "confidence": 0.9})]
    text = said(a_run(tmp_path, rows))
    assert "1 is down for everybody - 1 turns visitors away by itself - 1 unclear: there was nothing" in text


def test_every_verdict_that_a_rule_gives_has_words() -> None:
    # A layer that has none would be shown as dns or tls, which says nothing to a volunteer.
    methods = {rule.method for rule in RULES if rule.status in ("blocked", "tampered")}
    assert {method.partition(".")[0] for method in methods} <= set(wording._LAYERS) and len(methods) > 20


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.95, "very sure"), (0.9, "very sure"), (0.85, "fairly sure"), (0.7, "fairly sure"), (0.6, "not sure")],
)
def test_how_sure_in_three_words(confidence: float, words: str) -> None:
    assert wording.sure(confidence).startswith(words)


def test_the_words_for_how_sure_stand_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "volunteers.md").read_text(encoding="utf-8")
    assert all(f"| {text.partition(':')[0]} |" in page for _, text in wording._SURE)


def test_every_reason_that_a_campaign_gives_has_words() -> None:
    """Whatever the campaign's and the restraint's source give as a reason is known by its beginning."""
    given = []
    for module in (gatewatch.runner.campaign, gatewatch.net.restraint):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("_skip"):
                given.append(ast.unparse(node.args[1]))
            if isinstance(node, ast.Dict) and any(
                isinstance(k, ast.Constant) and k.value == "why" for k in node.keys
            ):
                given.append(ast.unparse(node.values[-1]))
            if isinstance(node, ast.Raise) and "restraint" in str(module.__file__):
                given.append(f"f'could not run: {ast.unparse(node.exc.args[0])[2:]}")  # type: ignore[union-attr]
    texts = [text.removeprefix("f").strip("'\"") for text in given if not text.isidentifier()]
    assert len(texts) >= 7
    assert [text for text in texts if reasons.kind(text) == reasons._OTHER] == []


def test_the_command(tmp_path: Path) -> None:
    folder = a_run(tmp_path, [("https://a.example/\x1b[31m", BLOCKED)])
    done = here("results", "summary", "--root", str(tmp_path))
    assert done.exit_code == 0 and "https://a.example/\\x1b[31m" in done.stdout
    about = json.loads(here("results", "summary", folder.name, "--json", "--root", str(tmp_path)).stdout)
    assert about["sites"] == {"blocked": 1} and about["blocked"][0]["confidence"] == 0.9
    assert here("results", "summary", "--root", str(tmp_path / "none")).exit_code == 2


def test_a_damaged_folder_is_summed_up_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = a_run(
        tmp_path, [("https://a.example/", OK), ("https://b.example/", {"status": 7, "confidence": "x"})]
    )
    (folder / "run.json").write_text("[")
    assert "2 sites were measured." in said(folder)
