"""The variables of the environment that hold an archive's key: their names are remembered, never what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harvester.archive.checkpoint.read_only import open_archive_to_read
from harvester.archive.checkpoint.state import State
from harvester.archive.disk.layout import STATE
from harvester.config.settings import ENV_PREFIX, Settings


def remember_key_names(state: State, settings: Settings) -> None:
    """Have an archive know where the key of this run is from: `harvester resume DIR` and `update DIR` take it there."""
    prefix = None if settings.env_prefix == ENV_PREFIX else settings.env_prefix
    if prefix != state.facts.env_prefix:
        with state.changing():
            state.note(replace(state.facts, env_prefix=prefix))


def read_env_prefix(folder: Path) -> str:
    """How the variables begin that hold an archive's key; the user's own where there is no archive yet."""
    path = folder / STATE
    if not path.is_file() or not path.stat().st_size:
        return ENV_PREFIX
    with open_archive_to_read(folder) as state:
        return state.facts.env_prefix or ENV_PREFIX
