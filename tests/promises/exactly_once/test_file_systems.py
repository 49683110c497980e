"""Runs where the file system refuses calls, as those refuse them on which people keep archives."""

from __future__ import annotations

import errno
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.harvest import Opener
from support.lanes import Lane, open_lanes
from support.shim import Zygote

Refusals = dict[str, int]
SPARED: list[tuple[str, Refusals, str]] = [
    ("a folder is not synced on SMB", {"fsync-folder": errno.EINVAL}, "Folders cannot be synced"),
    ("nor on exFAT by FUSE", {"fsync-folder": errno.ENOSYS}, "Folders cannot be synced"),
    ("nor where it opens for nobody", {"fsync-folder": errno.EACCES}, "Folders cannot be synced"),
    ("nor on 9P", {"fsync-folder": errno.EBADF}, "Folders cannot be synced"),
    ("nothing is synced", {"fsync": errno.EINVAL, "fdatasync": errno.EINVAL, "fsync-folder": errno.EINVAL}, "at once"),
    ("only fdatasync is not there", {"fdatasync": errno.ENOSYS}, ""),
    ("no memory is shared on SMB", {"mmap": errno.ENODEV}, "share no memory"),
    ("nor on DrvFs", {"mmap": errno.EINVAL}, "share no memory"),
    ("nor where FUSE has direct I/O", {"mmap": errno.EACCES}, "share no memory"),
    ("NFS has no lock daemon", {"lockf": errno.ENOLCK}, "locked in part"),
    ("FUSE has no locks of ranges", {"lockf": errno.ENOSYS}, "locked in part"),
    ("nor has DrvFs", {"lockf": errno.EINVAL}, "locked in part"),
    ("nor has SMB without them", {"lockf": errno.EACCES}, "locked in part"),
    ("files have no locks, folders have", {"flock": errno.ENOLCK}, "cannot be locked"),
    ("folders have no locks, files have", {"flock-folder": errno.EBADF}, ""),
    ("no memory and no locks of ranges", {"mmap": errno.ENODEV, "lockf": errno.ENOLCK}, "locked in part"),
    ("modes do not change on exFAT", {"chmod": errno.EPERM, "chown": errno.EPERM}, ""),
    ("nor on DrvFs", {"chmod": errno.ENOTSUP, "chown": errno.ENOTSUP}, ""),
    ("nothing is replaced by a move", {"rename-over": errno.EEXIST}, "cannot be replaced"),
    ("nor on SMB while it is open", {"rename-over": errno.EACCES}, "cannot be replaced"),
    ("nor by FUSE", {"rename-over": errno.EPERM}, "cannot be replaced"),
    ("nothing is moved", {"rename": errno.ENOSYS, "rename-over": errno.ENOSYS}, "cannot be replaced"),
    ("nothing is linked", {"link": errno.EPERM}, ""),
    ("nothing is cut", {"ftruncate": errno.EPERM}, ""),
    ("nothing is kept free", {"fallocate": errno.EOPNOTSUPP}, ""),
]
NEEDED: list[tuple[str, Refusals, str]] = [
    ("nothing is locked", {"flock": errno.ENOLCK, "flock-folder": errno.ENOTSUP}, "file system without locks"),
    (
        "it is read-only",
        {"open": errno.EROFS, "create": errno.EROFS, "mkdir": errno.EROFS},
        "Read-only file system",
    ),
    ("nothing is made there", {"create": errno.EACCES, "mkdir": errno.EACCES}, "Permission denied"),
    ("it is full", {"write": errno.ENOSPC}, "No space left on device"),
    ("it is broken", {"fsync": errno.EIO, "fdatasync": errno.EIO}, "Input/output error"),
    ("it is taken out", {"write": errno.ENODEV, "create": errno.ENODEV}, "No such device"),
    ("the share is gone", {"write": errno.ESTALE}, "Stale file handle"),
]


@pytest.fixture
async def lane(zygotes: list[Zygote], sandbox_of: Opener, tmp_path: Path) -> AsyncIterator[Lane]:
    async with open_lanes(zygotes[:1], sandbox_of, tmp_path, is_update=False) as lanes:
        yield lanes[0]


@pytest.mark.slow
@pytest.mark.parametrize(("refuse", "note"), [case[1:] for case in SPARED], ids=[case[0] for case in SPARED])
async def test_what_safety_does_not_need_is_passed_over_with_a_note(refuse: Refusals, note: str, lane: Lane) -> None:
    for command in (lane.first, lane.update):
        ran = await lane.run(command, refuse=refuse)
        assert ran.code == 0, ran.said
        assert note in ran.said
        assert "lacks something" in ran.said or not note
        lane.check()
        lane.change()


@pytest.mark.slow
@pytest.mark.parametrize(("refuse", "reason"), [case[1:] for case in NEEDED], ids=[case[0] for case in NEEDED])
async def test_what_safety_needs_is_named_in_a_sentence(refuse: Refusals, reason: str, lane: Lane) -> None:
    ran = await lane.run(lane.first, refuse=refuse)
    assert ran.code == 5, ran.said
    said = ran.said.splitlines()[-1]
    assert said.startswith("Error: ")
    assert re.search(reason, said)
    assert said.endswith(".")
    ran = await lane.run(lane.first)
    assert ran.code == 0, ran.said
    lane.check()


@pytest.mark.slow
@pytest.mark.parametrize(("refuse", "reason"), [case[1:] for case in NEEDED], ids=[case[0] for case in NEEDED])
async def test_an_update_names_what_it_needs_and_leaves_the_archive_whole(
    refuse: Refusals, reason: str, lane: Lane
) -> None:
    assert (await lane.run(lane.first)).code == 0
    lane.check()
    ran = await lane.run(lane.update, refuse=refuse)
    assert ran.code == 5, ran.said
    assert re.search(reason, ran.said.splitlines()[-1])
    lane.check()
    for look in ("verify", "status"):
        ran = await lane.run((look, str(lane.archive)), refuse=refuse)
        assert ran.code == 0, ran.said
