"""A folder in which a harvest is about to begin: what was made there is taken back where the harvest cannot."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from harvester.archive.disk.layout import LOCK, MANIFEST, PHOTOS, SIDES, STATE


class FreshFolder:
    """Looks at the folder before anything is made in it. With `is_unwanted`, `clear` leaves it as it was.

    Clear it while its lock is still held and its checkpoint is closed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._was_there = folder.is_dir()
        self._was_begun = (folder / STATE).exists()
        self.is_unwanted = False

    def clear(self) -> None:
        """Remove the empty archive. What cannot be removed does no harm: the next command begins in it."""
        photos = self._folder / PHOTOS
        if not self.is_unwanted or self._was_begun or (photos.is_file() and photos.stat().st_size):
            return
        for name in (PHOTOS, MANIFEST, *sorted(SIDES), STATE, LOCK):
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)
        if not self._was_there:
            with suppress(OSError):
                self._folder.rmdir()
