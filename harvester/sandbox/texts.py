"""The texts of photos: a fixed stock of titles, descriptions and tags, composed from the seed.

A photo takes one text of the stock, so a search is decided once per text and not once per photo.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache
from random import Random

from .words import COMMON_TAGS, MACHINE_TAGS, SENTENCES, SUBJECTS

STOCK = 2048
EVERY_TAG = "sandbox"
"""The tag that every photo carries."""

_MACHINE_TAG = re.compile(r"([^\W\d]\w*):([^\W\d]\w*)=(.+)", re.DOTALL)
_WORD = re.compile(r"\w+")


class Tag:
    """One tag: as typed, and as Flickr normalises it."""

    __slots__ = ("clean", "machine", "raw")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.machine = _MACHINE_TAG.fullmatch(raw) is not None
        self.clean = normalise_tag(raw)


class Text:
    """Title, description and tags; `{n}` in the title stands for the photo's own number."""

    def __init__(self, title: str, description: str, tags: Iterable[str]) -> None:
        self.title = title
        self.description = description
        self.tags = tuple(Tag(raw) for raw in tags)

    @property
    def numbered(self) -> bool:
        """Whether the title differs from photo to photo."""
        return "{n}" in self.title

    def title_of(self, number: int) -> str:
        """The title of the photo with that number."""
        return self.title.replace("{n}", f"{number:04d}")

    @cached_property
    def names(self) -> frozenset[str]:
        """The normalised tags."""
        return frozenset(tag.clean for tag in self.tags)

    @cached_property
    def machine_names(self) -> tuple[str, ...]:
        """The normalised machine tags."""
        return tuple(tag.clean for tag in self.tags if tag.machine)

    @cached_property
    def normalised(self) -> str:
        """What a text search looks into, the number of the title being 0000."""
        return self.normalised_with(self.title_of(0))

    def normalised_with(self, title: str) -> str:
        """What a text search looks into under that title."""
        return normalise_text(" ".join((title, self.description, *(tag.raw for tag in self.tags))))


@lru_cache(4096)
def normalise_tag(raw: str) -> str:
    """Lower case without spaces and punctuation; machine tags keep `ns:pred=`, all-punctuation tags are empty."""
    if machine := _MACHINE_TAG.fullmatch(raw):
        namespace, predicate, value = machine.groups()
        return f"{namespace}:{predicate}={normalise_tag(value)}".lower()
    return "".join(char for char in raw.lower() if not _is_dropped(char))


def normalise_text(text: str) -> str:
    """The words of a text, case-normalised, parted and framed by single spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


@lru_cache(4)
def compose_texts(seed: int) -> tuple[Text, ...]:
    """The stock of texts of a seed. Sandboxes of one process share it."""
    rng = Random(f"texts {seed}")
    return tuple(_compose(rng) for _ in range(STOCK))


def _is_dropped(char: str) -> bool:
    return unicodedata.category(char)[0] in "PZC" or (char.isascii() and not char.isalnum())


def _compose(rng: Random) -> Text:
    title, tags = rng.choice(SUBJECTS)
    raw = [EVERY_TAG, *tags.split("|"), *rng.sample(COMMON_TAGS, min(9, int(rng.expovariate(0.3))))]
    if rng.random() < 0.15:
        raw += rng.sample(MACHINE_TAGS, rng.randint(1, 4))
    return Text(_title(rng, title), _description(rng), dict.fromkeys(raw))


def _title(rng: Random, subject: str) -> str:
    style = rng.random()
    plain = ("", " ", "IMG_{n}", "DSC0{n}", "P105{n}", f"{subject} {{n}}", f"{subject} ({{n}})", f"{{n}} - {subject}\t")
    return rng.choice(plain) if style < 0.5 else subject


def _description(rng: Random) -> str:
    if rng.random() < 0.3:
        return ""
    breaks = rng.choice((" ", "\n", "\n\n", "\r\n"))
    return breaks.join(rng.sample(SENTENCES, min(12, 1 + int(rng.expovariate(0.35)))))
