"""The tag files of a bag: RFC 8493. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

BAGIT = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


@dataclass(frozen=True, slots=True)
class Filed:
    """A file as it stands in the bag: its path there, its length, its sha256."""

    path: str
    bytes: int
    sha256: str


def encode_path(path: str) -> str:
    """A path as a manifest holds it: what would end its line, and the sign that begins such a code, as codes."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def write_list(files: Iterable[Filed]) -> str:
    """The lines of a manifest."""
    return "".join(f"{file.sha256}  {encode_path(file.path)}\n" for file in sorted(files, key=lambda f: f.path))


def sum_up(files: Iterable[Filed]) -> str:
    """The payload's octets and streams."""
    known = list(files)
    return f"{sum(file.bytes for file in known)}.{len(known)}"


def write_info(facts: Mapping[str, object]) -> str:
    """The lines of `bag-info.txt`: one for each fact that is known, several where it is a list."""
    rows = ((name, one) for name, value in facts.items() for one in (value if isinstance(value, list) else [value]))
    return "".join(f"{name}: {_on_one_line(one)}\n" for name, one in rows if one not in (None, ""))


def _on_one_line(value: object) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
