"""Harvest Flickr's metadata: complete, exactly once, within the quota.

from harvester import Flickr, Search

async with Flickr(api_key="…") as flickr:
    async for photo in flickr.harvest(Search(tags=["monkey", "chimp"], tag_mode="any"), detail="full"):
        print(photo.id, photo.info["title"]["_content"], photo.sizes["size"][-1]["source"])
"""

from typing import TYPE_CHECKING, Any

from harvester.about import __version__ as __version__

if TYPE_CHECKING:
    from harvester.errors import (
        ArchiveBusy,
        CannotWrite,
        GivenUp,
        HarvestError,
        Incomplete,
        KeyRefused,
        OutcomeUnknown,
        Refused,
        Stopped,
        StopRun,
        StoreFault,
        Summary,
        TryLater,
        Unreachable,
        UsageError,
    )
    from harvester.events import (
        Ended,
        Event,
        Failed,
        Noticed,
        Observer,
        PartClosed,
        Paused,
        Progress,
        Resumed,
        Retrying,
        Started,
        Tally,
        Waiting,
    )
    from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Photos, Search, Source
    from harvester.python.api import Flickr
    from harvester.python.archive_task import RepairReport
    from harvester.python.blocking import Archive, BlockingHarvest, harvest
    from harvester.python.harvest import Harvest
    from harvester.python.lists import Entry
    from harvester.python.photo import Photo

__all__ = [
    "Account",
    "Album",
    "Archive",
    "ArchiveBusy",
    "BlockingHarvest",
    "CannotWrite",
    "Ended",
    "Entry",
    "Event",
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
    "Observer",
    "OutcomeUnknown",
    "PartClosed",
    "Paused",
    "Photo",
    "Photos",
    "Progress",
    "Refused",
    "RepairReport",
    "Resumed",
    "Retrying",
    "Search",
    "Source",
    "Started",
    "StopRun",
    "Stopped",
    "StoreFault",
    "Summary",
    "Tally",
    "TryLater",
    "Unreachable",
    "UsageError",
    "Waiting",
    "harvest",
]
_HOMES = (
    "errors",
    "events",
    "jobs.model",
    "python.photo",
    "python.lists",
    "python.harvest",
    "python.archive_task",
    "python.api",
    "python.blocking",
)
"""Where the names are, the module that takes longest to import last."""


def __getattr__(name: str) -> Any:
    """Import on first use: `harvester --help` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module 'harvester' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    homes = (import_module(f"harvester.{home}") for home in _HOMES)
    home = next(module for module in homes if hasattr(module, name))
    return getattr(home, name)
