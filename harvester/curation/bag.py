"""An archive as a bag (RFC 8493), made beside its place and put there by one rename.

The archive is held still meanwhile and nothing in it is changed. What a kill leaves has a name of its own, and the
next bag of that name begins anew in its place.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import orjson

from harvester.about import __version__
from harvester.archive.disk.files import cannot_write, sync_file, sync_folder
from harvester.archive.disk.layout import MANIFEST, STATE
from harvester.archive.disk.lock import hold_still
from harvester.archive.disk.modes import create_file
from harvester.curation.account import ArchiveAccount, read_account
from harvester.curation.crate import CRATE, write_crate
from harvester.curation.payload import copy_checkpoint, copy_item, list_items, measure
from harvester.curation.tags import BAGIT, Filed, sum_up, write_info, write_list
from harvester.errors import ArchiveBusy, UsageError
from harvester.jobs.values import stamp
from harvester.progress.meter import Tell, ignore


@dataclass(frozen=True, slots=True, kw_only=True)
class BagOptions:
    """How a bag is to be made."""

    organization: str = ""
    description: str = ""
    with_checkpoint: bool = False
    with_crate: bool = False
    link: bool = False
    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bag:
    """A bag that was made: its payload, and sentences on what the archive in it lacks."""

    files: tuple[Filed, ...]
    photos: int
    gaps: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Bytes of the payload."""
        return sum(file.bytes for file in self.files)


def make_bag(folder: Path, bag: Path, wishes: BagOptions, tell: Tell = ignore) -> Bag:
    """Hand an archive over in a new folder, or in an empty one.

    UsageError where there is no archive or the folder is taken; CannotWrite where a file is not what the manifest
    tells, where a harvester is at work, or where the bag cannot be written. Then there is no bag. `tell` hears how far
    it is.
    """
    _check_place(folder, bag)
    with hold_still(folder):
        account = read_account(folder)
        if wishes.with_checkpoint and not (folder / STATE).exists():
            raise UsageError(f"{folder} has no {STATE}: it is bagged without one.", field="with_checkpoint")
        if wishes.link and not account.is_complete:
            raise UsageError(
                f"{folder} is not complete: what is still to come would be written into the bag. Leave --link out.",
                field="link",
            )
        with _make_beside(bag, mode=_find_mode(folder)) as place:
            made = _fill(folder, place, account, wishes, tell)
            _put_in_place(place, bag)
    return made


def _check_place(folder: Path, bag: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no archive: there is no such folder.")
    own, other = folder.resolve(), bag.resolve()
    if own == other or own in other.parents or other in own.parents:
        raise UsageError(f"{bag} and {folder} lie within each other: choose another place.", field="output")
    _check_free(bag)


def _check_free(bag: Path) -> None:
    if bag.is_symlink() or (bag.exists() and (not bag.is_dir() or any(bag.iterdir()))):
        raise UsageError(f"{bag} is there already, and a bag is a new folder: name another.", field="output")


@contextmanager
def _make_beside(bag: Path, *, mode: int) -> Iterator[Path]:
    """A folder beside the bag's place, locked. It is removed where the bag does not come about."""
    place = bag.absolute().parent / f".{bag.absolute().name}.harvester-part"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True)
        held = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise cannot_write(place, error) from None
    try:
        _lock(held, bag)
        _clear(place)
        place.chmod(mode | stat.S_IRWXU)
        yield place
    except OSError as error:
        raise cannot_write(Path(error.filename or bag), error) from None
    finally:
        if _is_own(place, held):
            shutil.rmtree(place, ignore_errors=True)
        os.close(held)


def _lock(held: int, bag: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ArchiveBusy(f"Another process is making {bag}: wait for it, or name another folder.") from None
    except OSError:  # there are file systems without locks
        return


def _is_own(place: Path, held: int) -> bool:
    """Whether the folder is still there and this process's: not renamed, and not another's that was met."""
    with suppress(OSError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(place.lstat(), os.fstat(held))
    return False


def _clear(place: Path) -> None:
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _put_in_place(place: Path, bag: Path) -> None:
    for path in (*filter(Path.is_dir, place.glob("data/*")), place / "data", place):
        sync_folder(path)
    _check_free(bag)
    try:
        place.rename(bag)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            _check_free(bag)
        raise
    sync_folder(bag.absolute().parent)


def _fill(folder: Path, place: Path, account: ArchiveAccount, wishes: BagOptions, tell: Tell) -> Bag:
    mode, folder_mode = _find_mode(folder / MANIFEST), _find_mode(place)
    files = []
    (place / "data").mkdir()
    items, done = list_items(folder, account), 0
    sizes = [measure(folder, item) for item in items]
    for item, size in zip(items, sizes, strict=True):
        target = place / "data" / item.name
        if not target.parent.is_dir():
            target.parent.mkdir()
            target.parent.chmod(folder_mode)
        follow = _follow(done, sum(sizes), tell)
        files.append(copy_item(folder, item, target, mode=mode, link=wishes.link, on_read=follow))
        done += size
    (place / "data").chmod(folder_mode)
    if wishes.with_checkpoint:
        files.append(copy_checkpoint(folder, place / "data" / STATE, mode=mode))
    if wishes.with_crate:
        files.append(_add_crate(place, files, account, wishes, mode=mode))
    _write_tags(place, files, account, wishes, mode=mode)
    photos = account.manifest.count_photos()
    return Bag(files=tuple(files), photos=photos, gaps=account.gaps)


def _follow(before: int, expected: int, tell: Tell) -> Callable[[int], object]:
    """Tells how far all of it is, from how far one file is."""
    return lambda done: tell(before + done, expected)


def _add_crate(place: Path, files: list[Filed], account: ArchiveAccount, wishes: BagOptions, *, mode: int) -> Filed:
    written = write_crate(
        {file.path.removeprefix("data/"): file.bytes for file in files},
        name=f"Flickr photo metadata: {account.subject}",
        description=_describe(account, wishes),
        at=stamp(wishes.now),
        begun=account.manifest.begun,
        ended=account.manifest.updated,
    )
    return _write(place, f"data/{CRATE}", written, mode=mode)


def _describe(account: ArchiveAccount, wishes: BagOptions) -> str:
    standing = "complete" if account.is_complete else "incomplete"
    told = f"Metadata of Flickr photos, as Flickr's API sent it: {account.subject}; the harvest is {standing}."
    return wishes.description or told


def _write_tags(place: Path, files: list[Filed], account: ArchiveAccount, wishes: BagOptions, *, mode: int) -> None:
    manifest = account.manifest
    info = {
        "Source-Organization": wishes.organization,
        "External-Description": _describe(account, wishes),
        "Bagging-Date": stamp(wishes.now)[:10],
        "Payload-Oxum": sum_up(files),
        "Bag-Software-Agent": f"harvester {__version__}",
        "Harvest-Job": orjson.dumps(manifest.job).decode() if manifest.job else "",
        "Harvest-Version": manifest.harvester,
        "Harvest-Begun": manifest.begun,
        "Harvest-Brought-Up-To-Date": manifest.brought_up_to_date,
        "Harvest-Last-Written": manifest.updated,
        "Harvest-Photos": manifest.count_photos(),
        "Harvest-Complete": "yes" if account.is_complete else "no",
        "Harvest-Missing": list(account.gaps),
    }
    texts = {"bagit.txt": BAGIT, "bag-info.txt": write_info(info), "manifest-sha256.txt": write_list(files)}
    tags = [_write(place, name, text.encode(), mode=mode) for name, text in texts.items()]
    _write(place, "tagmanifest-sha256.txt", write_list(tags).encode(), mode=mode)


def _write(place: Path, path: str, content: bytes, *, mode: int) -> Filed:
    with open(create_file(place / path, mode), "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(content)
        file.flush()
        sync_file(file.fileno(), place / path)
    return Filed(path, len(content), sha256(content).hexdigest())


def _find_mode(path: Path) -> int:
    """The permissions of a file or folder of the archive: the bag's are the same."""
    return stat.S_IMODE(path.stat().st_mode)
