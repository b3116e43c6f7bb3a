"""Strangers behind a connection: what a collector or a publisher answers, and who asks a helper."""

from __future__ import annotations

import gzip
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.worlds import marker, strangers
from tests.worlds.collector import collector
from tests.worlds.commands import fell, here
from tests.worlds.marker import PAYLOADS, WORD
from tests.worlds.publisher import Answer, publisher

pytest.importorskip("pandas", reason="pandas is not installed: the analysis prints nothing")


def test_what_a_collector_answers(world: strangers.World) -> None:
    root = world.folder / "sent"
    _, ours, *_ = sorted(path for path in world.runs.iterdir() if path.name.startswith("20"))
    shutil.copytree(ours, root / ours.name)
    with collector() as there:
        there.words.clear()
        there.words.extend(PAYLOADS)
        there.always = "refuse"
        config = world.folder / "upload.toml"
        config.write_text(f'[mine]\nkind = "collector"\nurl = "{there.url}"\nlab = true\n')
        config.chmod(0o600)
        words = ("results", "upload", "--upload-config", str(config), "--root", str(root))
        said = [here(*words, *more) for more in ([], ["--again"], ["--again"], ["--again"], ["--list"])]
        as_json = here(*words, "--list", "--json")
    assert len(there.asked) > len(PAYLOADS) and WORD in said[0].output
    assert [fell(got) + marker.steers(got.output) for got in said] == [[]] * len(said)
    assert marker.steers_json(as_json.stdout) == []


def test_who_asks_a_helper(tmp_path: Path) -> None:
    """It says nothing of who came and what they wrote, and hands none of it back as a page."""
    pytest.importorskip("hypercorn", reason="the helper needs hypercorn: pip install 'gatewatch[helper]'")
    command = [sys.executable, "-m", "gatewatch", "helper", "serve", "--port", "0", "--resolver", "system"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "--rate", "1000"], **pipes) as process:  # type: ignore[call-overload]
        first = process.stderr.readline().decode()
        port = int(first.rstrip("/\n").rpartition(":")[2])
        answers = [
            asked(port, text.encode("utf-8", "surrogatepass")[:4000], post)
            for text in PAYLOADS
            for post in (0, 1)
        ]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == (b"", b"", 0)
    assert first == f"Listening on http://127.0.0.1:{port}/\n"
    assert sum(answer.startswith(b"HTTP/1.1 ") for answer in answers) == len(answers)
    assert [answer for answer in answers if WORD.encode() in answer] == []


def asked(port: int, text: bytes, post: int) -> bytes:
    """Ask with a text for a path, a header, or a body; gives all that is answered."""
    path = b"/" + text.replace(b" ", b"%20").replace(b"\r", b"").replace(b"\n", b"") if not post else b"/"
    head = b"%s %s HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n" % (b"POST" if post else b"GET", path)
    body = text if post else b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_what_publishers_answer(world: strangers.World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    bad, spoke = [], set()
    listed = world.targets.read_bytes()
    # The way to a list that is used: usable lines, with whatever may stand in them.
    first = b"url,category_code,category_description,date_added,source,notes\n" + b"".join(
        f"https://p{n}.example/,NEWS,x,2024-01-01,x,\n".encode() for n in range(40)
    )
    head = "\x1b[35;5;7m" + WORD
    with publisher() as there:
        config = world.folder / "update.toml"
        config.write_text(
            f'[ip-to-as]\nurls = ["{there.base}/a"]\nleast = 1\n'
            f'[citizenlab-kh]\nurls = ["{there.base}/kh.csv"]\nleast = 2\n'
        )
        asked = ("--config", str(config), "--data", str(world.folder / "shelf"))
        names = b"".join(
            b"36.%d.0.0\t36.%d.255.255\t%d\tKH\t%s\n"
            % (n, n, 38000 + n, text.encode("utf-8", "surrogatepass"))
            for n, text in enumerate(PAYLOADS)
        )
        for answer in (
            Answer(first, modified="Mon, 02 Nov 2026 00:00:00 GMT", etag=f'"{head}"'),
            Answer(listed, modified="Fri, 20 Nov 2026 00:00:00 GMT", etag=f'"{head}2"'),
            Answer(gzip.compress(names), modified=head, more={"Content-Type": head}),
            Answer(b"<html><title>" + head.encode() + b"</title>", status=503, modified=head),
            Answer(head.encode() * 9, status=302, more={"Location": f"https://evil.example/{WORD}"}),
        ):
            there.answers.update({"/a": answer, "/kh.csv": answer})
            for words in (
                ("update", "ip-to-as", "citizenlab-kh", *asked),
                ("targets", "pull", "kh", *asked),
                ("targets", "pull", "kh", "--accept", *asked),
                ("targets", "show", "citizenlab-kh"),
                ("update", "--list", *asked),
            ):
                for form in (words, (*words, "--json")):
                    got = here(*form)
                    wrong = fell(got) + marker.steers(got.stderr)
                    wrong += (marker.steers_json if form[-1] == "--json" else marker.steers)(got.stdout)
                    bad += [(form, each) for each in wrong[:3]]
                    spoke |= {words[:2]} if WORD in got.output else set()
    assert bad == [] and spoke, spoke
