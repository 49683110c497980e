"""Harvest Flickr's metadata: complete, exactly once, within the quota.

from harvester import Flickr, Search

async with Flickr(api_key="…") as flickr:
    async for photo in flickr.harvest(Search(tags=["monkey", "chimp"], tag_mode="any"), detail="full"):
        print(photo.id, photo.info["title"]["_content"], photo.sizes["size"][-1]["source"])
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harvester.api import Flickr, Harvest, Photo
    from harvester.errors import (
        CannotWrite,
        GivenUp,
        HarvestError,
        Incomplete,
        KeyRefused,
        Refused,
        Stopped,
        StopRun,
        TryLater,
        Unreachable,
        UsageError,
    )
    from harvester.events import Ended, Failed, Noticed, Resumed, Retrying, Started, Summary, Waiting
    from harvester.model import Account, Album, Favorites, Gallery, Group, Photos, Search

__version__ = "0.1.0"
__all__ = [
    "Account",
    "Album",
    "CannotWrite",
    "Ended",
    "Failed",
    "Favorites",
    "Flickr",
    "Gallery",
    "GivenUp",
    "Group",
    "Harvest",
    "HarvestError",
    "Incomplete",
    "KeyRefused",
    "Noticed",
    "Photo",
    "Photos",
    "Refused",
    "Resumed",
    "Retrying",
    "Search",
    "Started",
    "StopRun",
    "Stopped",
    "Summary",
    "TryLater",
    "Unreachable",
    "UsageError",
    "Waiting",
]
_HOMES = ("harvester.errors", "harvester.events", "harvester.model", "harvester.api")
"""Where the names are, the module that takes longest to import last."""


def __getattr__(name: str) -> Any:
    """Import on first use: `harvester --help` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module 'harvester' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    home = next(module for module in map(import_module, _HOMES) if hasattr(module, name))
    return getattr(home, name)
