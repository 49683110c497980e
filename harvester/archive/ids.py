"""The ids of an archive: what is left when all that can be fetched again is taken away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harvester.archive.sinks import PHOTOS
from harvester.checkpoint.look import locate, look_at
from harvester.errors import UsageError

_LINE = re.compile(rb'\{"id":"(\d{1,18})"')


def read_ids(folder: Path) -> Iterator[str]:
    """The ids in the order of the lines, as far as the checkpoint vouches for them; a harvest may be under way."""
    with look_at(folder) as state:
        if state.recall("stream"):
            raise UsageError(
                f"{folder} keeps track of records sent to standard output; their ids stand in them: jq -r .id tells."
            )
        left = state.length(PHOTOS).bytes
        path = locate(folder, state, PHOTOS)
    if not left:
        return
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if left <= 0:
                    return
                if (found := _LINE.match(line)) is None:
                    raise UsageError(f"{path} line {number} is damaged: harvester repair {folder} sets it right.")
                yield found[1].decode()
                left -= len(line)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if left > 0:
        raise UsageError(f"{path} is shorter than the checkpoint says: harvester repair {folder} sets it right.")
