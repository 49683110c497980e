"""The group of all commands, which loads a command when it is called, and ends every error well."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from harvester import __version__
from harvester.cli.failures import end_well
from harvester.cli.voice import Voice

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is, `MODULE:NAME`; what it does in short; and the module without which it is not there."""

    home: str
    short_help: str
    needs: str | None = None

    def load(self) -> click.Command:
        """Import the command."""
        module, _, name = self.home.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


class LazyGroup(click.Group):
    """Commands by section. Help of the group needs none of them imported."""

    def __init__(self, *, sections: Mapping[str, Mapping[str, LazyCommand]], **kwargs: Any) -> None:
        super().__init__(context_settings=CONTEXT, **kwargs)
        self._sections = {
            title: {name: lazy for name, lazy in commands.items() if lazy.needs is None or _exists(lazy.needs)}
            for title, commands in sections.items()
        }
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands in their sections."""
        for title, commands in self._sections.items():
            if commands:
                with formatter.section(title):
                    formatter.write_dl([(name, lazy.short_help) for name, lazy in commands.items()])

    def main(  # type: ignore[override]  # ends the process or returns, as click's own does
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        *,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line. Every end has its exit code, every error its one sentence."""
        voice = Voice()

        def run(*, standalone: bool) -> Any:
            return super(LazyGroup, self).main(
                args, prog_name, complete_var, standalone_mode=standalone, obj=voice, **extra
            )

        if not standalone_mode:
            return run(standalone=False)
        sys.exit(end_well(lambda: run(standalone=False), voice))


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
