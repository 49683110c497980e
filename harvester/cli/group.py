"""The group of all commands, which loads a command when it is called, and ends every error well."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import click

from harvester.about import __version__
from harvester.cli.console import Console
from harvester.cli.failures import end_well, quiet_pipe

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is, `MODULE:NAME`, and what it does in short."""

    home: str
    short_help: str

    def load(self) -> click.Command:
        """Import the command."""
        module, _, name = self.home.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


class LazyGroup(click.Group):
    """Commands by section. Help of the group needs none of them imported."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, LazyCommand]], **kwargs: Any) -> None:
        super().__init__(context_settings=CONTEXT, **kwargs)
        self._sections = sections
        click.version_option(__version__, prog_name="harvester", message="%(prog)s %(version)s")(self)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the order of help."""
        return [name for commands in self._sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a name, imported."""
        for commands in self._sections.values():
            if lazy := commands.get(cmd_name):
                return lazy.load()
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; UsageError with the nearest name where there is none."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            import difflib  # noqa: PLC0415

            close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            advice = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{advice}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands in their sections."""
        for title, commands in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, lazy.short_help) for name, lazy in commands.items()])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse. Help is printed on the way."""
        with quiet_pipe():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        with quiet_pipe():
            return super().invoke(ctx)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command line. Every end has its exit code, every error its one sentence."""
        console = Console()
        console.detect_log_format((args[0] if args else extra.get("args")) or sys.argv)
        call = partial(super().main, *args, standalone_mode=False, **{"obj": console, **extra})
        if standalone_mode:
            sys.exit(end_well(call, console))
        return call()
