"""`harvester completion`: what a shell reads to complete commands, options and their values."""

from __future__ import annotations

import click

from harvester.cli.options import Command
from harvester.cli.show import show_lines
from harvester.errors import Exit

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_HARVESTER_COMPLETE"


@click.command(
    cls=Command,
    short_help="Completion for bash, zsh or fish.",
    epilog=(
        "\b\nExamples:\n"
        '  eval "$(harvester completion bash)"     # in ~/.bashrc; bash 4.4 or newer\n'
        '  eval "$(harvester completion zsh)"      # in ~/.zshrc, after compinit\n'
        "  harvester completion fish | source      # in ~/.config/fish/config.fish"
    ),
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> Exit:
    """Print the script by which a shell completes harvester's commands, options and their values."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - few ask for it

    kind = get_completion_class(shell)
    if kind is None:
        raise AssertionError(shell)
    made = kind(context.find_root().command, {}, "harvester", _VARIABLE)
    show_lines([made.source_template % made.source_vars()])
    return Exit.COMPLETE
