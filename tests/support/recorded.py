"""The members and types of recorded answers, written down as a table: names and types alone, no content.

Run by hand to write the table, or with --check to compare it with recordings:

    python tests/support/recorded.py [--check] FOLDER…

A folder has an `index.ndjson` that names each file with its method, as a line or as a list of a line's `files`.
"""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_suffix(".tsv")
ROWS = "(row)"
"""Stands for every method that lists photos: a row has the same members in each of them."""
Types = dict[str, dict[str, set[str]]]
"""Method, path of a member, and its types. A type after `~` is from an edited copy of an answer.

`text` and `element` are from XML, which has no types: a scalar, and an object or a list.
"""

_KINDS = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null", dict: "object", list: "array"}
_LISTS = frozenset(
    "photo set pool group gallery contact person tag note url size exif comment license photoset collection "
    "eligible_durations".split()
)
"""Elements of XML that are lists in JSON, where they do not stand at the top."""
_TOP_LISTS = frozenset({"set", "pool"})
_ROW = re.compile(r"(photos|photoset)\.photo\[\]|(\w+)\.\w+\[\]\.primary_photo_extras")
_NESTED = re.compile(r"\.collection\[\](?=\.collection)")
_LETTERS = {"i": "getInfo", "s": "getSizes", "c": "comments.getList", "ctx": "getAllContexts", "e": "getExif"}
_EDITED = frozenset({"fixture", "transcribed"})


def walk_json(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path and the type of each member."""
    if path:
        yield path, _KINDS[type(value)]
    if isinstance(value, dict):
        for name, member in value.items():
            yield from walk_json(member, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for item in value:
            yield from walk_json(item, f"{path}[]")


def walk_xml(element: ET.Element, path: str = "") -> Iterator[tuple[str, str]]:
    """The same of XML: attributes and texts are scalars."""
    for name in element.attrib:
        yield f"{path}.{name}".lstrip("."), "text"
    if path and not len(element) and (element.text or "").strip():
        yield f"{path}._content", "text"
    for child in element:
        found = f"{path}.{child.tag}".lstrip(".")
        yield found, "element"
        if child.tag in (_LISTS if path else _TOP_LISTS):
            found = f"{found}[]"
            yield found, "element"
        yield from walk_xml(child, found)


def place(method: str, path: str) -> tuple[str, str]:
    """Under which method and path the table has a member."""
    path = _NESTED.sub("", path)
    if (row := _ROW.match(path)) and path != row[0]:
        return ROWS, path[row.end() + 1 :]
    return method, path


def list_files(folder: Path) -> Iterator[tuple[str, Path, bool]]:
    """Method and file of each good answer, and whether it is an edited copy."""
    for line in (folder / "index.ndjson").read_text("utf-8").splitlines():
        entry = json.loads(line)
        for part in entry.get("files", ()):
            letter = part["file"].rpartition("-")[2].partition(".")[0]
            yield f"flickr.photos.{_LETTERS[letter]}", folder / part["file"], False
        if entry.get("stat") == "ok" and entry["method"]:
            yield entry["method"], folder / entry["file"], entry["fidelity"] in _EDITED


def read(file: Path) -> Iterator[tuple[str, str]]:
    """The members of an answer."""
    text = file.read_text("utf-8").strip()
    if text.startswith("<"):
        with suppress(ET.ParseError):  # one edited copy is no good XML
            yield from walk_xml(ET.fromstring(text))  # noqa: S314 - a file that was given by name
    elif found := re.search(r"\{.*\}", text, re.DOTALL):
        yield from walk_json(json.loads(found[0]))


def derive(folders: list[Path], served: frozenset[str] | None = None) -> Types:
    """All members of all recordings of the methods that are served."""
    table: Types = defaultdict(lambda: defaultdict(set))
    for folder in folders:
        for method, file, edited in list_files(folder):
            if served is not None and method not in served:
                continue
            for path, kind in read(file):
                where, name = place(method, path)
                if name != "stat" and ":" not in name:
                    table[where][name].add(f"~{kind}" if edited else kind)
    return table


def write(table: Types) -> str:
    """The table as text."""
    lines = [
        f"{method}\t{path}\t{' '.join(sorted(kinds))}\n"
        for method, members in sorted(table.items())
        for path, kinds in sorted(members.items())
    ]
    return "".join(lines)


def load() -> Types:
    """The table as it is written down."""
    table: Types = defaultdict(dict)
    for line in TABLE.read_text("utf-8").splitlines():
        method, path, kinds = line.split("\t")
        table[method][path] = set(kinds.split())
    return table


def main() -> None:
    """Write the table, or compare it."""
    from harvester.sandbox.catalogue import Catalogue, CatalogueOptions  # noqa: PLC0415
    from harvester.sandbox.methods import Api  # noqa: PLC0415

    served = frozenset(Api(Catalogue(CatalogueOptions(photos=1, owners=1)), seed=1)._methods)
    check, folders = "--check" in sys.argv, [Path(name) for name in sys.argv[1:] if name != "--check"]
    text = write(derive(folders, served))
    if not check:
        TABLE.write_text(text, "utf-8")
    elif text != TABLE.read_text("utf-8"):
        sys.exit(f"FAILED: {TABLE} is not what the recordings say")
    else:
        sys.stdout.write(f"{len(text.splitlines())} members as recorded\n")


if __name__ == "__main__":
    main()
