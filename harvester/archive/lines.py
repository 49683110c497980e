"""The lines of an archive's photos, up to the committed length. A harvest may be under way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harvester.archive.manifest import read_manifest
from harvester.checkpoint.read_only import locate, open_archive_to_read
from harvester.disk.layout import PHOTOS, STATE, check_entries, check_files
from harvester.errors import UsageError

_LINE = re.compile(rb'\{"id":"(\d{1,18})"')


def read_photo_lines(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each photo's id and line, in the order of the file; a copy without checkpoint is read by its manifest.

    UsageError where there is no archive, where a line is no photo's, and where lines are missing.
    """
    path, left = _find_photos(folder)
    if not left:
        return
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if left <= 0:
                    return
                if not line.endswith(b"\n"):
                    break
                if (found := _LINE.match(line)) is None or not line.endswith(b"}\n"):
                    raise tell_damaged(folder, f"line {number}", path=path)
                yield found[1].decode(), line
                left -= len(line)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if left > 0:
        raise UsageError(f"{path} is shorter than the checkpoint says: harvester repair {folder} sets it right.")


def tell_damaged(folder: Path, where: str, *, path: Path | None = None) -> UsageError:
    """The sentence for a line that is none."""
    return UsageError(f"{path or folder / PHOTOS} {where} is damaged: harvester repair {folder} sets it right.")


def _find_photos(folder: Path) -> tuple[Path, int]:
    """Where the photos are, and how many bytes of them count."""
    has_checkpoint = (folder / STATE).is_symlink() or (folder / STATE).exists()
    manifest = None if has_checkpoint else read_manifest(folder)
    if manifest is not None:
        check_entries(folder)
        check_files(folder)
        return folder / PHOTOS, manifest.files[PHOTOS].bytes
    with open_archive_to_read(folder) as state:
        if state.facts.stream:
            raise UsageError(f"{folder} keeps track of records sent to standard output; their ids stand in them.")
        return locate(folder, state, PHOTOS), state.length(PHOTOS).bytes
