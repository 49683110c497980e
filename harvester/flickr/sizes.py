"""The sizes of photos: how a listing's row names them, and how flickr.photos.getSizes does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LISTED_SIZES: Mapping[str, str] = MappingProxyType(
    {
        "sq": "Square",
        "q": "Large Square",
        "t": "Thumbnail",
        "s": "Small",
        "n": "Small 320",
        "w": "Small 400",
        "m": "Medium",
        "z": "Medium 640",
        "c": "Medium 800",
        "l": "Large",
        "h": "Large 1600",
        "k": "Large 2048",
        "3k": "X-Large 3K",
        "4k": "X-Large 4K",
        "f": "X-Large 4096",
        "5k": "X-Large 5K",
        "6k": "X-Large 6K",
        "o": "Original",
    }
)
"""By the ends of `url_k`, `width_k` and `height_k`: how getSizes calls the size. Small to large."""
