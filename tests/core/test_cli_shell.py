"""What shells and man(1) are given: valid, complete, and nothing in it that steers them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from click.testing import CliRunner
from tests.worlds.commands import gatewatch

from gatewatch.cli import main
from gatewatch.cli.man import page, roff
from gatewatch.cli.pages import contexts


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_its_script(shell: str) -> None:
    script = gatewatch("completion", shell)
    assert script.returncode == 0 and "_GATEWATCH_COMPLETE" in script.stdout
    if (program := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not installed: only the words were compared")
    read = subprocess.run([program, "-n"], input=script.stdout, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


def completed(words: str, at: int) -> list[str]:
    env = {"_GATEWATCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    return CliRunner().invoke(main, prog_name="gatewatch", env=env).stdout.split()


def test_bash_completes_commands_and_options() -> None:
    assert completed("gatewatch res", 1) == ["plain,results"]
    assert completed("gatewatch analyse al", 2) == ["plain,all"]
    assert "plain,--plan" in completed("gatewatch run --pl", 2)


def test_every_command_is_in_the_manual_and_the_typesetter_has_no_complaint() -> None:
    text = page()
    for context in contexts():
        assert f"\n.SS {roff(context.command_path)}" in text or context.parent is None
    if (groff := shutil.which("groff")) is None:
        pytest.skip("groff is not installed: the page was written, not typeset")
    set_ = subprocess.run(
        [groff, "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True, check=False
    )
    assert (set_.returncode, set_.stderr) == (0, "")


def test_nothing_steers_the_typesetter() -> None:
    assert roff(".so /etc/passwd") == "\\&.so /etc/passwd"
    assert roff("'br \\n(xx") == "\\&'br \\en(xx"
