"""gatewatch completion: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that makes SHELL complete commands and options.

    For bash put `eval "$(gatewatch completion bash)"` into ~/.bashrc, for zsh the same with zsh into
    ~/.zshrc, and for fish write the script to ~/.config/fish/completions/gatewatch.fish.
    """
    from gatewatch.cli import main

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "gatewatch", "_GATEWATCH_COMPLETE").source())
