"""The arguments of flickr.photos.search: which ones Flickr knows, and which ones have an option of their own. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from harvester.errors import show
from harvester.jobs.filters import FILTERS

OPTIONS: Mapping[str, str] = {
    **{name: name for name in FILTERS},
    **{each.argument: name for name, each in FILTERS.items()},
}
"""Arguments with an option of their own, and the option's name in config files and from Python."""
OTHERS = frozenset(
    "accuracy color_codes contacts geo_context in_gallery is_commons is_getty lat lon machine_tag_mode place_id "
    "privacy_filter radius radius_units styles woe_id".split()
)
"""Those that choose photos and have none; `color_codes` and `styles` are sent by Flickr's own pages."""
# The last three are not documented: two stand in the method's list of errors, one is sent by Flickr's own pages.
_BESIDES = frozenset("extras page per_page jump_to similarity_id advanced".split())
KNOWN = OTHERS | _BESIDES | {each.argument for each in FILTERS.values()}
"""What flickr.photos.search knows: its documented arguments, and those seen to be accepted besides."""


def name_option(argument: str) -> str | None:
    """`--content-types` for `content_type`; None where the argument has no option of its own."""
    field = OPTIONS.get(_fold(argument))
    return None if field is None else f"--{field.replace('_', '-')}"


def tell_unknown(arguments: Iterable[str]) -> list[str]:
    """A sentence for each argument that Flickr does not know, such as `userid` (sybrenstuvel/flickrapi#89)."""
    return [
        f"flickr.photos.search does not know {show(name)}, so Flickr passes over it without a word: {_advise(name)}"
        for name in arguments
        if name not in KNOWN
    ]


def _advise(name: str) -> str:
    near = _find_near(name)
    if near is None:
        return "see https://www.flickr.com/services/api/flickr.photos.search.html."
    option = name_option(near)
    return f"did you mean {near} ({option})?" if option else f"did you mean {near}?"


def _find_near(name: str) -> str | None:
    """The known argument that is most like this one; case and separators count for nothing."""
    squeezed = {_squeeze(known): known for known in sorted(KNOWN)}
    close = difflib.get_close_matches(_squeeze(name), squeezed, n=1, cutoff=0.6)
    return squeezed[close[0]] if close else None


def _fold(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def _squeeze(name: str) -> str:
    return _fold(name).replace("_", "")
