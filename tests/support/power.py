"""What a power cut may leave of a folder: out of a log of all calls, images of the disk after each of them.

Nothing is on the disk for sure until it was synced: content by a sync of its file, a name by a sync of its folder.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGE = 4096
Image = Mapping[str, bytes | None]
"""Paths from the disk's root on, and what is in them; None for a folder."""


@dataclass(eq=False)
class Node:
    """A file or a folder."""

    data: bytearray = field(default_factory=bytearray)
    is_folder: bool = False
    synced: bytes = b""
    is_emptied: bool = False
    """It was opened to be written anew since it was synced."""
    changes: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Since it was synced: a place and what was written there, None for a cut or a growth to there."""

    def change(self, place: int, data: bytes | None) -> None:
        self.changes.append((place, data))
        _change(self.data, place, data)

    def sync(self) -> None:
        self.synced, self.is_emptied, self.changes = bytes(self.data), False, []


def _change(content: bytearray, place: int, data: bytes | None) -> None:
    end = place + len(data or b"")
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[place:]
    else:
        content[place:end] = data


@dataclass(eq=False)
class Naming:
    """A name came, went, or was moved from `source` to `target`."""

    node: Node
    source: str | None
    target: str | None
    is_synced: bool = False

    def touches(self, folder: str) -> bool:
        return any(path is not None and path.rpartition("/")[0] == folder for path in (self.source, self.target))

    def hangs_on(self, earlier: Naming) -> bool:
        mine, its = {self.source, self.target} - {None}, {earlier.source, earlier.target} - {None}
        return self.node is earlier.node or bool(mine & its)


class Disk:
    """A folder as the system has it, and what of that is surely on the disk."""

    def __init__(self, root: Path) -> None:
        self._nodes: dict[int, Node] = {}
        self._names: dict[str, Node] = {}
        self._namings: list[Naming] = []
        self._last: tuple[Node, int, bytes] | None = None
        for path in sorted(root.rglob("*")):
            content = None if path.is_dir() else path.read_bytes()
            node = Node(bytearray(content or b""), content is None, content or b"")
            self._nodes[path.stat().st_ino] = self._names[str(path)] = node
        self._root = str(root)

    def do(self, call: str, inode: int, place: int, path: str, other: str, data: bytes) -> None:
        """One call of the log."""
        self._last = None
        if call in ("create", "mkdir"):
            self._nodes[inode] = Node(is_folder=call == "mkdir")
            self._namings.append(Naming(self._nodes[inode], None, path))
        elif call in ("unlink", "rmdir"):
            self._namings.append(Naming(self._nodes[inode], path, None))
        elif call == "rename":
            self._namings.append(Naming(self._nodes[inode], path, other))
        elif call == "sync-folder":
            self._sync_folder(path)
        elif call == "sync":
            self._nodes[inode].sync()
        else:
            self._write(self._nodes[inode], call, place, data)

    def _write(self, node: Node, call: str, place: int, data: bytes) -> None:
        if call == "write":
            self._last = node, place, data
            node.change(place, data)
        elif call == "cut" or (call == "grow" and place > len(node.data)):
            if place > len(node.data):
                node.change(len(node.data), bytes(place - len(node.data)))
            else:
                node.change(place, None)
        elif call == "truncate":
            node.is_emptied = True
            node.change(0, None)

    def _sync_folder(self, folder: str) -> None:
        wanted: list[Naming] = []
        for naming in reversed(self._namings):
            if naming.touches(folder) or any(later.hangs_on(naming) for later in wanted):
                naming.is_synced = True
                wanted.append(naming)

    # -- images

    def images(self, chance: random.Random) -> Iterator[tuple[str, Image]]:
        """What may be there after a power cut now."""
        yield "all is lost that was not synced", self._build(lambda n: n.synced, lambda m: m.is_synced)
        yield "all is kept", self._build(lambda n: n.data)
        yield "names are kept", self._build(lambda n: b"" if n.is_emptied else n.synced)
        yield "lengths are kept", self._build(_zeros)
        yield "content is kept", self._build(lambda n: n.data, lambda m: m.is_synced)
        if self._last is not None:
            yield "half the last write", self._build(self._torn)
        last = chance.choice([None, *self._namings])
        kept = set(map(id, self._namings[: self._namings.index(last) + 1 if last else 0]))
        yield "some of all", self._build(lambda n: _some(n, chance), lambda m: m.is_synced or id(m) in kept)

    def _build(
        self, content: Callable[[Node], bytes | bytearray], counts: Callable[[Naming], bool] = lambda _: True
    ) -> Image:
        names = dict(self._names)
        for naming in filter(counts, self._namings):
            if naming.source is not None:
                names.pop(naming.source, None)
            if naming.target is not None:
                names[naming.target] = naming.node
        reached = {self._root}
        image: dict[str, bytes | None] = {}
        for path, node in sorted(names.items()):
            if path.rpartition("/")[0] in reached and not path.endswith("-shm"):  # no file counts on shared memory
                inner = path.removeprefix(f"{self._root}/")
                image[inner] = None if node.is_folder else bytes(content(node))
                if node.is_folder:
                    reached.add(path)
        return image

    def _torn(self, node: Node) -> bytes:
        assert self._last is not None
        last, place, data = self._last
        if node is not last:
            return bytes(node.data)
        content = bytearray(node.synced)
        for at, written in [*node.changes[:-1], (place, data[: len(data) // 2])]:
            _change(content, at, written)
        return bytes(content)


def _zeros(node: Node) -> bytes:
    return node.synced[: len(node.data)].ljust(len(node.data), b"\0")


def _some(node: Node, chance: random.Random) -> bytes:
    content = bytearray(node.synced)
    for place, data in node.changes:
        if data is None:
            if chance.random() < 0.5:
                _change(content, place, None)
            continue
        for start in range(0, len(data), PAGE):
            if chance.random() < 0.5:
                _change(content, place + start, data[start : start + PAGE])
    return bytes(content)


def read_log(path: Path) -> Iterator[tuple[str, int, int, str, str, bytes]]:
    """The calls, in their order: name, inode, place, path, other path, data."""
    with path.open("rb") as log:
        while head := log.readline():
            call, inode, _, place, size, name, other = head.decode().removesuffix("\n").split("\t")
            yield call, int(inode), int(place), name, other, log.read(int(size))


def tell_apart(image: Image) -> bytes:
    """Equal where two images are."""
    digest = hashlib.sha256()
    for path, content in image.items():
        digest.update(f"{path}\0{'/' if content is None else hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.digest()


def lay(image: Image, root: Path) -> None:
    """Have the disk hold an image, and nothing else."""
    shutil.rmtree(root)
    root.mkdir()
    for path, content in image.items():
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
