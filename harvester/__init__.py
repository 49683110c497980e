"""Harvest Flickr's metadata: complete, exactly once, within the quota.

from harvester import Flickr, Search

async with Flickr(api_key="…") as flickr:
    async for photo in flickr.harvest(Search(tags=["monkey", "chimp"], tag_mode="any"), detail="full"):
        print(photo.id, photo.info["title"]["_content"], photo.sizes["size"][-1]["source"])
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Flickr", "Harvest", "Photo", "Photos", "Search"]

if TYPE_CHECKING:
    from harvester.api import Flickr, Harvest, Photo
    from harvester.model import Photos, Search


def __getattr__(name: str) -> Any:
    """Import on first use: `harvester --help` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module 'harvester' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    home = "harvester.model" if name in {"Photos", "Search"} else "harvester.api"
    return getattr(import_module(home), name)
