"""The photos of the sandbox. A photo is a number; all else follows from the seed and that number.

So a catalogue of a million photos takes a few bytes for each, and answers are the same whenever asked.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any
from zlib import crc32

from .dates import LAST, Unset, draw_uploads, mysql_date
from .places import PLACES, Place
from .texts import Text, compose_texts
from .words import FAMILY_NAMES, GIVEN_NAMES, USER_WORDS

_LICENSES = (0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 4, 4, 2, 1, 0)
_FIRST_ID = 1_000_000_000
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueOptions:
    """How large the catalogue is and what it is like. `private` and `refused` are shares of the photos."""

    photos: int = 10_000
    owners: int = 20
    seed: int = 7
    even: bool = False
    """Uploads at even distances instead of in bursts."""
    wide_second: int = 0
    """So many photos share one second of upload."""
    busy_day: int = 0
    """So many photos share one day."""
    private: float = 0.0
    """Private photos: not there for a call without login."""
    refused: float = 0.0
    """Photos whose getSizes is refused with code 2."""


@dataclass(frozen=True, slots=True)
class Person:
    """An owner of photos."""

    nsid: str
    username: str
    realname: str | None
    """None where Flickr leaves it out."""
    alias: str | None
    location: str | None

    @property
    def icon(self) -> dict[str, Any]:
        """Where the buddy icon is; 0 and 0 where the person has none."""
        drawn = crc32(self.nsid.encode())
        return (
            {"iconserver": str(drawn % 9000), "iconfarm": 1 + drawn % 9}
            if drawn & 3
            else {"iconserver": "0", "iconfarm": 0}
        )

    @property
    def database_id(self) -> str:
        """The number that stands in front of the ids of collections and galleries."""
        return str(int(self.nsid.partition("@")[0]) % 100_000_000)


# Many attributes: the photos, and each kind of change that was made to them.
class Catalogue:
    """The photos, in order of upload. They may be added to at the end, removed and changed while it is served."""

    def __init__(self, options: CatalogueOptions, *, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self.clock = clock
        """Unix time as the server sees it. Changes and new uploads are dated by this clock."""
        rng = Random(f"catalogue {options.seed}")
        drawn = draw_uploads(
            rng,
            photos=options.photos,
            owners=options.owners,
            even=options.even,
            wide_second=options.wide_second,
            busy_day=options.busy_day,
        )
        self.uploads = array("q", [second for second, _ in drawn])
        self.owners = array("H", [owner for _, owner in drawn])
        self.texts = compose_texts(options.seed)
        self.people = tuple(_person(rng, n) for n in range(options.owners))
        self.removed: set[int] = set()
        self.changes: dict[int, int] = {}
        """Number of a photo to the second of its last change."""
        self.privacy: dict[int, bool] = {}
        """Number of a photo to whether only its owner sees it, where the owner has changed that."""
        self.moves: dict[int, int] = {}
        """Number of a photo to how often its owner has put it into other sets."""
        self.version = 0
        """Grows with every change, so that whoever keeps results knows that they are old."""
        self._salt = options.seed * 0x9E3779B97F4A7C15
        self._step = max(2, 50_000_000_000 // max(1, options.photos))

    def __len__(self) -> int:
        return len(self.uploads)

    @cached_property
    def group_id(self) -> str:
        """The one group, which holds every third photo."""
        return "663100@N21"

    def id_of(self, n: int) -> int:
        """A photo's id: it grows with the upload, and leaves gaps."""
        return _FIRST_ID + n * self._step + self.draw(n, 9) % self._step

    def number_of(self, photo_id: str) -> int | None:
        """The number of a photo that is there, by its id."""
        if not photo_id.isascii() or not photo_id.isdigit() or len(photo_id) > 18:
            return None
        n = (int(photo_id) - _FIRST_ID) // self._step
        return n if 0 <= n < len(self) and self.id_of(n) == int(photo_id) and n not in self.removed else None

    def draw(self, n: int, salt: int = 0) -> int:
        """A number of 64 bits, always the same for a photo and a salt: splitmix64 of the seed."""
        z = (self._salt + n * 0xBF58476D1CE4E5B9 + salt * 0xD6E8FEB86659FD93) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def text(self, n: int) -> Text:
        """Title, description and tags."""
        return self.texts[self.draw(n) & 2047]

    def license(self, n: int) -> int:
        """The licence's id."""
        return _LICENSES[self.draw(n) >> 11 & 31]

    def is_video(self, n: int) -> bool:
        """One in 32 is a video."""
        return not self.draw(n) >> 16 & 31

    def place(self, n: int) -> Place | None:
        """One in four knows its place."""
        drawn = self.draw(n)
        return PLACES[(drawn >> 24) % len(PLACES)] if (drawn >> 21) & 3 == 0 else None

    def granularity(self, n: int) -> int:
        """The granularity of the date taken: 0 second, 4 month, 6 year, 8 circa."""
        return {0: 4, 1: 6, 2: 8}.get(self.draw(n) >> 30 & 31, 0)

    def taken_unknown(self, n: int) -> bool:
        """Whether the date taken is only the upload's."""
        return self.draw(n) >> 30 & 31 == 3

    def taken(self, n: int) -> int:
        """When it was taken, in seconds of the owner's clock; some are no dates at all."""
        kind = self.draw(n) >> 30 & 31
        if kind == 2:
            return Unset.MONTHLESS
        if kind == 3:
            return self.uploads[n]
        if kind == 4 and self.is_video(n):
            return Unset.ZERO
        return self.uploads[n] - 60 - (self.draw(n) >> 35) % 2_600_000

    def taken_text(self, n: int) -> str:
        """The same as Flickr writes it."""
        return mysql_date(self.taken(n))

    def has_old_shape(self, n: int) -> bool:
        """Whether answers about the photo look as they did until 2019: one in four.

        Which members there are and which are texts has changed over the years, and recordings show both.
        """
        return self.draw(n, 7) >> 5 & 3 == 0

    def is_private(self, n: int) -> bool:
        """Whether only its owner sees it."""
        return self.privacy[n] if n in self.privacy else self.draw(n, 1) % 100_000 < self.options.private * 100_000

    def is_refused(self, n: int) -> bool:
        """Whether its sizes are refused."""
        return self.draw(n, 2) % 100_000 < self.options.refused * 100_000

    def secret(self, n: int, salt: int = 3) -> str:
        """Ten hex digits; one in fifty looks like a number."""
        drawn = self.draw(n, salt)
        return f"{drawn % 10**10:010d}" if drawn >> 50 & 63 == 0 else f"{drawn & 0xFFFFFFFFFF:010x}"

    def updated(self, n: int) -> int:
        """The second of the last change."""
        return self.changes.get(n) or self.uploads[n] + self.draw(n, 4) % 5_000_000

    def title(self, n: int) -> str:
        """The title, which says so when it was changed."""
        title = self.text(n).title_of(self.draw(n, 5) % 9973)
        return f"{title} (edited)" if n in self.changes else title

    def remove(self, n: int) -> None:
        """The owner deletes a photo."""
        self.removed.add(n)
        self.version += 1

    def change(self, n: int, *, at: int | None = None) -> None:
        """The owner edits a photo, now."""
        self.changes[n] = max(int(self.clock()) if at is None else at, self.updated(n) + 1)
        self.version += 1

    def hide(self, n: int, *, private: bool = True) -> None:
        """The owner makes a photo private, or public again: a change as any other."""
        self.privacy[n] = private
        self.change(n)

    def move(self, n: int) -> None:
        """The owner puts a photo into other sets: the photo itself does not change by that."""
        self.moves[n] = self.moves.get(n, 0) + 1
        self.version += 1

    def add(self, *, uploaded: int | None = None) -> int:
        """Somebody uploads a photo, no earlier than the last; its number."""
        last = self.uploads[-1] if self.uploads else LAST
        self.uploads.append(max(last, uploaded or last + 1))
        self.owners.append(self.draw(len(self.owners), 6) % len(self.people))
        self.version += 1
        return len(self) - 1


def _person(rng: Random, n: int) -> Person:
    nsid = f"{rng.randrange(10_000_000, 99_999_999_999)}@N{rng.randrange(10):02d}"
    username = f"{rng.choice(USER_WORDS)} {rng.choice(USER_WORDS)} {n}"
    realname = rng.choice((None, "", f"{rng.choice(GIVEN_NAMES)} {rng.choice(FAMILY_NAMES)}"))
    alias = rng.choice((None, "", f"{rng.choice(USER_WORDS)}-{n}".encode("ascii", "ignore").decode()))
    return Person(nsid, username, realname, alias, rng.choice((None, "", "London, UK", "Тверь, Россия")))
