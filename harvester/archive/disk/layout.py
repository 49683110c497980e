"""What an archive's folder may hold by name, and the check that each name stands for what it should.

An archive may come from elsewhere. Nothing in it may lead a command out of its folder: no link is followed, no pipe
or device is opened, and of the names that its checkpoint gives only the archive's own count.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from harvester.archive.disk.holder import SIZE, is_holder
from harvester.errors import CannotWrite, UsageError
from harvester.flickr.listings import LINE_FILES

PHOTOS = "photos.ndjson"
CHANGES = "changes.ndjson"
ERRORS = "errors.ndjson"
MANIFEST = "manifest.json"
DAMAGED = "damaged.ndjson"
"""The lines that a repair has set aside."""
WITHDRAWN = "withdrawn.ndjson"
"""The ids of photos that were taken down."""
STATE = "state.sqlite"
LOCK = ".lock"
UPDATE = ".update"
NEW = f"{UPDATE}/new"
CLOSING = ".part"
"""The ending of a file that is being written, as of a part that is being closed."""
REPAIR = ".repair"
"""The folder in which a repair is prepared."""
UPDATES = "updates"
HISTORY = "history"

DATA = frozenset({PHOTOS, CHANGES, *(f"{name}.ndjson" for name in LINE_FILES)})
"""The files whose lengths a checkpoint commits."""
_WRITTEN = frozenset(
    {
        *(DATA | {ERRORS, DAMAGED, MANIFEST, WITHDRAWN}),
        *(f"{name}{CLOSING}" for name in (ERRORS, MANIFEST, WITHDRAWN, PHOTOS)),
    }
)
SIDES = frozenset({f"{STATE}-wal", f"{STATE}-shm", f"{STATE}-journal"})
"""What SQLite keeps beside the checkpoint."""
_SUPERSEDED = "history.ndjson.zst"
_FILES = sorted({*_WRITTEN, *SIDES, STATE, LOCK, _SUPERSEDED})
_FOLDERS = (UPDATE, REPAIR, UPDATES, HISTORY)
_STAMP = r"\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\dZ"
PART_NAME = re.compile(r"photos-(\d{5,9})(?:-(\d{1,9}))?\.ndjson(\.zst|\.gz)?", re.ASCII)
"""How the closed parts of PHOTOS are called: number, generation, packing."""
_PUT_AWAY = re.compile(rf"(?:{UPDATES}/{_STAMP}(?:_\d+)?\.ndjson|{HISTORY}/{_STAMP}(?:_\d+)?\.ndjson\.zst)", re.ASCII)
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFREG: "a file",
}
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def check_entries(folder: Path) -> None:
    """CannotWrite where one of the archive's names stands for a link, a pipe or a device, not for a file or folder.

    The folder itself may be a link: somebody has named it.
    """
    for name in (*_FOLDERS, NEW, f"{UPDATE}/{REPAIR}", f"{REPAIR}/{UPDATES}", f"{REPAIR}/{HISTORY}"):
        _check_kind(folder / name, stat.S_ISDIR, "folder")
    for place in (folder, folder / UPDATE, folder / NEW, folder / REPAIR, folder / UPDATE / REPAIR):
        if place.is_dir():
            for name in _FILES:
                _check_kind(place / name, _is_file_or_folder, "file")
            for path in (*list_part_files(place), *list_part_files(place, ending=CLOSING)):
                _check_kind(path, _is_file_or_folder, "file")


def check_files(folder: Path) -> None:
    """CannotWrite where a folder is in the place of one of the archive's files."""
    for name in sorted({*DATA, ERRORS, DAMAGED, MANIFEST, STATE, WITHDRAWN}):
        if (folder / name).is_dir():
            cure = f"move it away, then run `harvester repair {folder}`"
            raise CannotWrite(f"{folder / name} is a folder where a file should be: {cure}.")


def _is_file_or_folder(mode: int) -> bool:
    """A folder in a file's place leads nowhere; `check_files`, or the command that writes the file, tells of it."""
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _check_kind(path: Path, is_good: Callable[[int], bool], wanted: str) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:  # it is not there, or cannot be reached, which is told where it is opened
        return
    if not is_good(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise CannotWrite(
            f"{path} is {kind} and should be a {wanted}; an archive holds all that is its own, and nothing outside it "
            f"is read or written in its name: put the {wanted} itself there, or remove it."
        )


def check_not_foreign(folder: Path, *, is_stream: bool) -> None:
    """UsageError where the folder has no checkpoint and holds files by the archive's names: somebody else's.

    They would be overwritten or removed. `is_stream` is true where only a checkpoint is to be kept there.
    """
    path = folder / STATE
    if path.is_dir() or _has_content(path):
        return
    if found := _find_foreign(folder, is_stream=is_stream):
        raise UsageError(
            f"{folder} holds {', '.join(found)}, but no {STATE} that knows of it, so it may be somebody else's work: "
            f"choose another folder, or, where it is an archive that has lost its {STATE}, run "
            f"`harvester repair {folder}`."
        )


def _find_foreign(folder: Path, *, is_stream: bool) -> list[str]:
    """The names of an archive in a folder whose checkpoint is missing or empty."""
    names = set() if is_stream else set(_WRITTEN)
    if not (folder / STATE).exists():  # an empty one is what a kill has left, and SQLite's own files may be beside it
        names |= SIDES
    found = [name for name in sorted(names) if _has_content(folder / name)]
    if not is_stream:
        found += [name for name in _FOLDERS if (folder / name).is_dir() and any((folder / name).iterdir())]
        found += [path.name for path in list_part_files(folder)]
    return found if _is_own_lock(folder / LOCK) else [*found, LOCK]


def refuse_other(folder: Path) -> None:
    """UsageError where there is no such folder, or it is a bag, in which the archive lies deeper."""
    if not folder.exists():
        raise UsageError(f"{folder} is no archive: there is no such folder.")
    if (folder / "bagit.txt").is_file():
        raise UsageError(f"{folder} is a bag: name the archive in it, {folder / 'data'}.")


def require_checkpoint(folder: Path) -> None:
    """UsageError where a folder has no checkpoint; it says what to do where there are files of an archive."""
    path = folder / STATE
    if path.is_file():
        return
    refuse_other(folder)
    check_files(folder)
    _check_kind(path, stat.S_ISREG, "file")
    has_files = any((folder / name).is_file() for name in (PHOTOS, MANIFEST)) or list_part_files(folder)
    cure = f" `harvester repair {folder}` makes one out of the files." if has_files else ""
    raise UsageError(f"{folder} is no archive: it has no {STATE}.{cure}")


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _is_own_lock(path: Path) -> bool:
    """Whether it is missing, or names a process and holds nothing else."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return is_holder(file.read(SIZE + 1))


def find_archive(path: Path) -> Path:
    """The archive that a file is of, be it a file of the update that is under way in it."""
    folder = path.parent
    if folder.name == "new" and folder.parent.name == UPDATE:
        folder = folder.parent
    return folder.parent if folder.name == UPDATE else folder


def is_own_move(source: str, target: str) -> bool:
    """Whether a file may be moved there: from what an update or a repair prepares, to one of the archive's names."""
    if _PUT_AWAY.fullmatch(target):
        prepared = f"{UPDATE}/{PHOTOS}" if target.startswith(UPDATES) else f"{NEW}/{_SUPERSEDED}"
        return source in (prepared, f"{REPAIR}/{target}")
    if is_part(target) or target == PHOTOS:
        return source in (f"{target}{CLOSING}", f"{UPDATE}/{target}", f"{NEW}/{target}", f"{REPAIR}/{target}")
    if source == f"{REPAIR}/{target}":
        return target in DATA or target == DAMAGED
    return target in DATA and source in (f"{UPDATE}/{target}", f"{NEW}/{target}")


def is_part(name: str) -> bool:
    """Whether this is the name of a closed part of the photos."""
    return PART_NAME.fullmatch(name) is not None


def list_part_files(folder: Path, *, ending: str = "") -> list[Path]:
    """What bears the name of a part in a folder, by name; with an ending, what is being written under that."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(ending))  # noqa: PTH208 - names
    except OSError:  # it is not there, which is told where it is opened
        return []
    return [folder / name for name in names if is_part(name.removesuffix(ending) if ending else name)]


def is_put_away(name: str) -> bool:
    """Whether this is the name of a file in which an update has put lines away."""
    return _PUT_AWAY.fullmatch(name) is not None


def is_moment(text: str) -> bool:
    """Whether a text is the moment of an update, after which files are named."""
    return re.fullmatch(_STAMP, text, re.ASCII) is not None


def check_no_own_file(path: Path, *, field: str) -> None:
    """UsageError where something else would be written into a file of an archive."""
    whole = path.resolve()
    if whole.name in _FILES and any((whole.parent / name).is_file() for name in (STATE, MANIFEST)):
        raise UsageError(f"{path} is a file of an archive: name another.", field=field)
