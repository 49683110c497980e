"""Short addresses: numbers in base 58, and the persons and groups that such numbers stand for. Pure."""

from __future__ import annotations

import re

_ALPHABET = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_LONGEST = 11
"""Letters of the longest number that is taken: millions of times beyond today's."""
_LONGEST_NSID = 8
"""The same for a person or a group; those of today have up to six letters."""
_NUMBER = re.compile(f"[{_ALPHABET}]{{1,{_LONGEST}}}")


def decode(letters: str) -> int | None:
    """The number that is written so; None where it is none, or too long to be Flickr's."""
    if not _NUMBER.fullmatch(letters):
        return None
    number = 0
    for letter in letters:
        number = number * len(_ALPHABET) + _ALPHABET.index(letter)
    return number


def decode_person(letters: str) -> str | None:
    """The NSID of flic.kr/ps/…."""
    number = decode(letters) if len(letters) <= _LONGEST_NSID else None
    return None if number is None else f"{number // 10}@N0{number % 10}"


def decode_group(letters: str) -> str | None:
    """The NSID of flic.kr/g/…: new groups are @N20 and up; the first ones were numbered as people are."""
    number = decode(letters) if len(letters) <= _LONGEST_NSID else None
    is_new = number is not None and number // 10 % 10 == 2
    return f"{number // 100}@N{number % 100}" if number is not None and is_new else decode_person(letters)
