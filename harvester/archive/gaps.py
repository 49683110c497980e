"""What an archive still lacks: the one judgement that `status` and `verify` share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harvester.archive.checkpoint.shallow import count_shallow
from harvester.archive.checkpoint.state import State
from harvester.archive.comparison import read_difference
from harvester.archive.folder import is_at_limit
from harvester.archive.incomplete import read_incomplete
from harvester.archive.manifest import Manifest
from harvester.archive.unbounded import is_cut_off
from harvester.archive.withheld import tell_withheld
from harvester.jobs.model import Source
from harvester.text.words import name_count


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not there. `was_tried` is true where the harvest has ended without it."""

    sentence: str
    was_tried: bool


def find_gaps(folder: Path, state: State, source: Source | None, manifest: Manifest | None) -> list[Gap]:
    """All that an archive lacks; nothing where it is complete."""
    gaps = [*_find_untried(state), *_find_tried(state, source)]
    if state.facts.withheld:
        gaps.append(Gap(tell_withheld(state.facts.withheld, folder), True))
    is_told = manifest is None or manifest.status == "complete" or bool(state.facts.stream)
    if not gaps and not is_told:
        gaps.append(Gap(f"The harvest has not come to its end: `harvester resume {folder}` brings it there.", False))
    return gaps


def _find_untried(state: State) -> Iterator[Gap]:
    if not state.is_begun():
        yield Gap("What was asked was lost: the command that began the archive takes it up.", False)
    elif state.facts.arguments is None:
        yield Gap("Nothing was listed yet; resume to go on.", False)
    if (sweeps := len(state.sweeps())) and not is_at_limit(state):
        yield Gap(
            f"The listing is not finished, for want of {name_count(sweeps, 'stretch')} of time; resume to go on.", False
        )
    failed = state.count_failures()
    if lists := len(state.walks()) - failed["walk"]:
        yield Gap(
            f"Still to be read: {name_count(lists, 'list')} (sets, galleries, favourites …); resume to go on.", False
        )
    if todo := state.count_todo() - failed["todo"]:
        yield Gap(f"Listed and not there yet: {name_count(todo, 'photo')}; resume to go on.", False)
    if state.is_later_left():
        yield Gap("Photos that lists have shown are still to be taken up; resume to go on.", False)
    if state.facts.unread:
        yield Gap("Not all ids of the input were read: run the command that names them again.", False)


def _find_tried(state: State, source: Source | None) -> Iterator[Gap]:
    failed = state.count_failures()
    if failed["todo"]:
        yield Gap(f"{name_count(failed['todo'], 'photo')} could not be had; resume to try again.", True)
    if failed["walk"]:
        yield Gap(f"{name_count(failed['walk'], 'list')} could not be read; resume to try again.", True)
    if failed["bad_input"]:
        lines = name_count(failed["bad_input"], "line")
        yield Gap(f"No photo is named by {lines} of the input: correct what errors.ndjson tells.", True)
    yield from _find_unfetched(state, failed["unfetched"])
    if source is not None and is_cut_off(source, state):
        told = "An earlier version saw only the last 12 hours of this geographic search; resume to list it all."
        yield Gap(told, True)
    for stretch in read_incomplete(state):
        yield Gap(stretch.note, True)
    if (difference := read_difference(state)) and difference.is_wide:
        yield Gap(difference.sentence, True)


def _find_unfetched(state: State, count: int) -> Iterator[Gap]:
    """What an update or a deepening, which has been merged, could not get: `count` rows in all."""
    new, shallow = state.count_unfetched(without_line=True), count_shallow(state.connection)
    if new:
        yield Gap(
            f"Listed by the last update and not there yet: {name_count(new, 'photo')}; update to try again.", True
        )
    if older := count - new - shallow:
        what = f"{name_count(older, 'photo')} or {'list' if older == 1 else 'lists'}"
        told = f"The last update could not get {what}, and kept the older lines; update to try again."
        yield Gap(told, True)
    if shallow:
        yield Gap(f"{name_count(shallow, 'photo')} could not be had with all parts; resume to try again.", True)
