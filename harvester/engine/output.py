"""Where the records of a run go: opens the checkpoint and the sink."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from harvester.archive.checkpoint.state import State
from harvester.archive.disk.files import Appender
from harvester.archive.disk.fresh import FreshFolder
from harvester.archive.disk.layout import check_entries, check_not_foreign
from harvester.archive.disk.modes import make_checkpoint_file
from harvester.archive.folder import STATE, check_withdrawn, lock_folder
from harvester.archive.merge.apply import finish_merge
from harvester.archive.sinks import PHOTOS, OpenSink, Sink, StreamSink, recover_lines
from harvester.errors import HarvestError, UsageError
from harvester.filesystem.folders import make_temporary
from harvester.jobs.rotation import Rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where records go: an archive's folder, or standard output (`folder` None), kept track of in `state`.

    `shown` is the archive that an update in `folder` is for.
    """

    folder: Path | None = None
    state: Path | None = None
    shown: Path | None = None
    unescape: bool = False
    """Write letters in place of their escapes. An archive that was begun so stays so."""
    rotation: Rotation | None = None
    """When a part of an archive's photos is closed; None leaves it as the archive remembers it."""
    update: bool = False
    """Raise UpdateWanted where nothing but an update is left to be done."""
    redo_update: bool = False
    """Raise UpdateWanted where the last update could not get everything."""
    publish: str | None = None
    """The address of the store in which an archive that is new is to be published."""
    deepens: bool = False
    """Whoever runs the job deepens an archive that holds less of each photo: it is not refused for that."""

    @property
    def where(self) -> Path | None:
        """The folder that a person knows."""
        return self.shown or self.folder or self.state

    @property
    def archive(self) -> Path | None:
        """The archive, which tells what could not be had of its update too."""
        return self.shown or self.folder


NOWHERE = Output()
"""Standard output, with nothing kept track of."""


class UpdateWanted(HarvestError):
    """The archive is complete and what is new since is wanted: an update of `folder` brings it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is complete: `harvester update {folder}` brings what is new since.")
        self.folder = folder


def open_output(
    stack: AsyncExitStack, output: Output, *, fresh: FreshFolder, private: bool, open_sink: OpenSink
) -> tuple[State, Sink]:
    """The checkpoint and the sink of a run, in order; UsageError where the folder is for something else."""
    folder = output.folder or output.state
    if folder is None:
        folder = stack.enter_context(make_temporary())
        return stack.enter_context(State(folder / STATE, lasting=False)), StreamSink()
    check_entries(folder)
    check_not_foreign(folder, is_stream=output.folder is None)
    lock = stack.enter_context(lock_folder(folder, private=private))
    stack.callback(fresh.clear)
    make_checkpoint_file(folder / STATE, private=private)
    state = stack.enter_context(State(folder / STATE, guard=lock.check))
    _check_photos(state, folder)
    check_withdrawn(folder, state)
    finish_merge(folder, state)
    _check_kind(state, folder, is_stream=output.folder is None)
    if output.folder is None:
        return state, StreamSink()
    recover_lines(state, output.folder / PHOTOS)
    length = state.length(PHOTOS)
    file = stack.enter_context(Appender(folder / PHOTOS, length=length.bytes))
    return state, open_sink(file, guard=lock.check)


def _check_photos(state: State, folder: Path) -> None:
    """UsageError where there are photos and the checkpoint beside them was never begun: they would be cut off."""
    path = folder / PHOTOS
    is_begun = state.facts.job is not None or state.facts.repaired
    if not is_begun and path.is_file() and path.stat().st_size:
        raise UsageError(
            f"{folder} holds a {PHOTOS} but no {STATE} that knows of it: choose another folder, or, where it is an "
            f"archive that has lost its {STATE}, run `harvester repair {folder}`."
        )


def _check_kind(state: State, folder: Path, *, is_stream: bool) -> None:
    """Records that went to standard output are in no file: a folder keeps track of the one or holds the other."""
    known = state.facts.stream
    if known is not None and known != is_stream:
        what = "keeps track of records sent to standard output, and is no archive" if known else "is an archive"
        raise UsageError(f"{folder} {what}: choose another folder.")
    with state.changing():
        state.note(replace(state.facts, stream=is_stream))
