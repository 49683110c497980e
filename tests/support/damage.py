"""Ways in which archives are damaged: each changes the files of a folder."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

Damage = Callable[[Path, Random], None]


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def cut(path: Path, rng: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def cut_to_nothing(path: Path, _: Random) -> None:
    path.write_bytes(b"")


def remove(path: Path, _: Random) -> None:
    path.unlink()


def flip(path: Path, rng: Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def zero(path: Path, rng: Random) -> None:
    """A block that the disk has lost."""
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data))
    size = min(4096, len(data) - place)
    data[place : place + size] = bytes(size)
    path.write_bytes(data)


def zero_tail(path: Path, _: Random) -> None:
    """A file that was made longer before the power went."""
    with path.open("ab") as file:
        file.write(bytes(3000))


def lose_line(path: Path, rng: Random) -> None:
    lines = _lines(path)
    del lines[rng.randrange(len(lines))]
    path.write_bytes(b"".join(lines))


def double_line(path: Path, rng: Random) -> None:
    lines = _lines(path)
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    path.write_bytes(b"".join(lines))


def double_all(path: Path, _: Random) -> None:
    path.write_bytes(path.read_bytes() * 2)


def swap_lines(path: Path, rng: Random) -> None:
    lines = _lines(path)
    rng.shuffle(lines)
    path.write_bytes(b"".join(lines))


def join_lines(path: Path, rng: Random) -> None:
    lines = _lines(path)
    lines[rng.randrange(max(len(lines) - 1, 1))] = lines[0][:-1]
    path.write_bytes(b"".join(lines))


def tear_line(path: Path, rng: Random) -> None:
    """A write that went through by half, and the next one behind it."""
    lines = _lines(path)
    n = rng.randrange(max(len(lines) - 1, 1))
    lines[n] = lines[n][: len(lines[n]) // 2]
    path.write_bytes(b"".join(lines))


def crlf(path: Path, _: Random) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def bom(path: Path, _: Random) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def blank_lines(path: Path, _: Random) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\n\n"))


def no_last_break(path: Path, _: Random) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def foreign_text(path: Path, rng: Random) -> None:
    lines = _lines(path)
    lines.insert(rng.randrange(len(lines)), b"<<<<<<< HEAD\n")
    lines.append(b"[1, 2, 3]\n")
    path.write_bytes(b"".join(lines))


def not_utf8(path: Path, rng: Random) -> None:
    lines = _lines(path)
    n = rng.randrange(len(lines))
    lines[n] = lines[n].replace(b'"', b'"\xff\xfe', 9)
    path.write_bytes(b"".join(lines))


def drop_part(path: Path, rng: Random) -> None:
    """A photo's line of a harvest that asked for less."""
    lines = _lines(path)
    n = rng.randrange(len(lines))
    lines[n] = lines[n][: lines[n].index(b',"info":')] + b"}\n"
    path.write_bytes(b"".join(lines))


def swap_parts(path: Path, rng: Random) -> None:
    """One photo's info on another's line."""
    lines = _lines(path)
    a, b = rng.sample(range(len(lines)), 2)
    mark = b',"info":'
    one, other = lines[a].partition(mark), lines[b].partition(mark)
    lines[a] = one[0] + mark + other[2]
    path.write_bytes(b"".join(lines))


def change_id(path: Path, rng: Random) -> None:
    """A digit of a line's own id is another one, and all of it can be read."""
    lines = _lines(path)
    n = rng.randrange(len(lines))
    line = bytearray(lines[n])
    place = max(i for i in range(7, line.index(b'","')) if 48 <= line[i] < 58)
    line[place] = 48 + (line[place] - 47) % 10
    lines[n] = bytes(line)
    path.write_bytes(b"".join(lines))


def put_text(text: str) -> Damage:
    def damage(path: Path, _: Random) -> None:
        path.write_text(text)

    return damage


def wipe_table(table: str) -> Damage:
    def damage(path: Path, _: Random) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(f"DROP TABLE {table}")

    return damage


def forge_rows(statement: str) -> Damage:
    def damage(path: Path, _: Random) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(statement)

    return damage


LINES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        remove, cut, cut_to_nothing, flip, zero, zero_tail, lose_line, double_line, double_all, swap_lines, join_lines,
        tear_line, crlf, bom, blank_lines, no_last_break, foreign_text, not_utf8,
    )
}  # fmt: skip
PHOTO_LINES: dict[str, Damage] = {damage.__name__: damage for damage in (drop_part, swap_parts, change_id)}
CHECKPOINT: dict[str, Damage] = {
    "remove": remove,
    "cut": cut,
    "cut_to_nothing": cut_to_nothing,
    "zero": zero,
    "text instead": put_text("this is no database\n" * 900),
    "no table of photos": wipe_table("seen"),
    "no facts": wipe_table("meta"),
    "facts that are no JSON": forge_rows("UPDATE meta SET value = '{' WHERE name = 'job'"),
    "a photo that never was": forge_rows("INSERT INTO seen(id) VALUES (123456789)"),
    "photos forgotten": forge_rows("DELETE FROM seen WHERE id % 3 = 0"),
    "checksums forgotten": forge_rows("DELETE FROM line"),
    "another format's number": forge_rows("PRAGMA user_version = 68"),
    "rows of photos that are no JSON": forge_rows("INSERT INTO todo(id, row) SELECT id, '{' FROM seen LIMIT 1"),
    "wrong lengths": forge_rows("UPDATE file SET length = length + 7, lines = lines - 1"),
}
MANIFEST: dict[str, Damage] = {
    "remove": remove,
    "cut": cut,
    "text instead": put_text("{}"),
}


def put_back(old: Path, *names: str) -> Damage:
    """Files of an older copy take the place of today's."""

    def damage(folder: Path, _: Random) -> None:
        for name in names:
            shutil.copyfile(old / name, folder / name)

    return damage
