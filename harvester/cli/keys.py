"""The key of an archive or a plan, which names the variables of the environment that hold it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from harvester.errors import UsageError

if TYPE_CHECKING:
    from harvester.cli.options import Setup
    from harvester.config.settings import Settings

_SHAPE = re.compile(r"[0-9a-fA-F]{32}")


def take_keys(setup: Setup, settings: Settings, prefix: str) -> Settings:
    """The settings with the key of the variables that begin with `prefix`, and with the login kept for it.

    A key is sent to the API, and an archive from elsewhere may name any variable (OPENAI_API_KEY): what is not shaped
    as Flickr's keys are counts as not set.
    """
    own = settings.take_keys(os.environ, prefix)
    if own is not settings and not _SHAPE.fullmatch(own.api_key or ""):
        own = settings.take_keys({}, prefix)
    return setup.add_login(own, settings)


def require_keys(setup: Setup, settings: Settings, prefix: str, *, place: str) -> Settings:
    """The same, to harvest with: UsageError that names the archive or plan, and where its key is looked for."""
    own = take_keys(setup, settings, prefix)
    if own is not settings and not own.api_key:
        raise UsageError(
            f"{place} is harvested with the key in {prefix}_API_KEY, which holds no key of Flickr's (32 hexadecimal "
            "digits): put it there."
        )
    own.require_key()
    return own
