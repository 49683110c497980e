"""Commands as people type them, in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from harvester.cli import main


def call(*arguments: str) -> Result:
    """What a command says, and its exit code."""
    return CliRunner().invoke(main, list(arguments))
