"""Photos that a listing no longer shows though they are at Flickr as they were: whether they have left it.

Flickr's search is seen to fail in passing: for hours it shows little or nothing, claims no more, and new photos are
hidden with the old ones. A list may be empty in passing. So an archive that many photos seem to have left at once keeps
them and counts as incomplete, until they are still not shown half a day later.
"""

from __future__ import annotations

from datetime import UTC, datetime

from harvester.archive.checkpoint.facts import Withheld
from harvester.text.words import name_count

_PATIENCE = 12 * 60 * 60


def judge_withheld(count: int, known: Withheld | None, *, now: int, is_resumed: bool) -> Withheld | None:
    """What an update begun in the second `now` is to remember of `count` photos that are withheld; None for nothing.

    That they have left is believed of no more photos than an earlier update missed half a day before, and
    not by an update that `is_resumed`: its listing may be days old.
    """
    if not count:
        return None
    if known is None or count > known["count"]:
        return {"count": count, "since": now}
    has_left = not is_resumed and now >= known["since"] + _PATIENCE
    return None if has_left else {"count": count, "since": known["since"]}


def tell_withheld(known: Withheld, where: object) -> str:
    """What a person should know of the photos that an archive in the folder `where` keeps for now."""
    comes, are = ("comes", "it is") if known["count"] == 1 else ("come", "they are")
    end = datetime.fromtimestamp(known["since"] + _PATIENCE, UTC)
    return (
        f"{name_count(known['count'], 'photo')} of the archive no longer {comes}, though {are} at Flickr as before: "
        "that is more than usually leave at once, and new ones may be kept back too. "
        f"`harvester update {where}` looks again; from {end:%Y-%m-%d %H:%M} (UTC) on, what still does not come "
        "counts as having left."
    )
