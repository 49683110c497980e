"""How much an archive still takes, told from its checkpoints: photos that are not there, and parts that lines lack."""

from __future__ import annotations

from pathlib import Path

from harvester.archive.call_costs import count_calls
from harvester.archive.checkpoint.facts import Depth
from harvester.archive.checkpoint.read_only import open_to_read
from harvester.archive.checkpoint.shallow import count_shallow
from harvester.archive.checkpoint.state import State
from harvester.archive.depth import list_least, read_depth
from harvester.archive.disk.layout import STATE, UPDATE
from harvester.errors import CannotWrite
from harvester.flickr.geo import find_page_size
from harvester.flickr.methods import count_asked, covers
from harvester.jobs.model import Job


def count_remaining_calls(folder: Path, state: State, job: Job, *, wanted: Depth | None) -> int:
    """Calls until an archive holds all that its job asks for, at the depth that is `wanted`; None: at the job's own."""
    todo, unlisted = state.count_todo(), _count_unlisted(state, job)
    deep = job if wanted is None else wanted.deepen(job)
    size = find_page_size(job.describe())
    calls = count_calls(todo + unlisted, parts=count_asked(deep.parts), listed=todo, page_size=size)
    return calls if wanted is None else calls + _count_parts(folder, state, wanted)


def list_missing(state: State, wanted: Depth) -> list[str]:
    """The parts that lines of an archive lack of this depth. A video is asked for sizes that no listing has."""
    least = list_least(state)
    return [part for part in wanted.parts if not covers(least, [part])]


def _count_unlisted(state: State, job: Job) -> int:
    """Photos that Flickr claims and that no listing has shown, as far as they are to be listed."""
    claimed = state.facts.expected or 0
    most = claimed if job.limit is None else min(claimed, job.limit)
    return max(0, most - state.count_photos() - state.count_todo()) if state.sweeps() else 0


def _count_parts(folder: Path, state: State, wanted: Depth) -> int:
    missing = list_missing(state, wanted)
    is_tried = covers(read_depth(state.facts.job or {}).parts, wanted.parts)
    every = state.count_photos()
    left = every if wanted.lines is None else wanted.lines
    lines = count_shallow(state.connection) if is_tried else left
    staged, target = _read_staged(folder)
    return max(0, lines * count_asked(missing) - staged * count_asked([part for part in target if part in missing]))


def _read_staged(folder: Path) -> tuple[int, tuple[str, ...]]:
    """Lines that wait in the folder of a deepening, and the parts that it is to bring."""
    path = folder / UPDATE / STATE
    if not path.is_file():
        return 0, ()
    try:
        with open_to_read(path, locked_at=folder) as state:
            target = state.facts.target_depth
            return (0, ()) if target is None else (state.count_photos(), target.parts)
    except CannotWrite:
        return 0, ()
