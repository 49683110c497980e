"""Suggests options for one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import click

_SECRETS = frozenset({"key", "api-key", "apikey", "secret", "api-secret", "token", "oauth-token", "oauth-token-secret"})
_ALIKE = 0.65
"""From 0 to 1: how alike a name must be to be worth a word. `tag` and `tags` are 0.86, `foo` and `no-geo` 0.44."""


def explain_option(error: click.NoSuchOption) -> str:
    """The sentences about an unknown option: that there is none, and what may have been meant."""
    name = error.option_name
    return f"No such option {name!r}.{_advise(name, error.ctx)}"


def _advise(name: str, ctx: click.Context | None) -> str:
    bare = name.lstrip("-").replace("_", "-").lower()
    if bare in _SECRETS:
        return " Keys and secrets are never options: put them into FLICKR_API_KEY, FLICKR_API_SECRET and so on."
    if ctx is None:
        return ""
    if home := _find_home(name, ctx):
        return f" It stands after a command, as in {home} {name}."
    known = {option.lstrip("-"): option for option in _list_options(ctx.command, ctx)}
    if isinstance(ctx.command, click.Group):
        known |= {each: each for each in ctx.command.list_commands(ctx)}
    close = difflib.get_close_matches(bare, known, n=2, cutoff=_ALIKE)
    return f" Did you mean {' or '.join(known[one] for one in close)}?" if close else ""


def _list_options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for param in command.get_params(ctx):
        if isinstance(param, click.Option) and not param.hidden:
            yield from (name for name in (*param.opts, *param.secondary_opts) if name.startswith("--"))


def _find_home(name: str, ctx: click.Context) -> str | None:
    """The first command of a group that has the option."""
    if not isinstance(ctx.command, click.Group):
        return None
    for each in ctx.command.list_commands(ctx):
        command = ctx.command.get_command(ctx, each)
        if command is not None and any(name in (*param.opts, *param.secondary_opts) for param in command.params):
            return f"{ctx.command_path} {each}"
    return None
