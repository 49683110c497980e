"""Whatever step of an export fails or is the last one: the older table stands there or the new one, and no half of any.

Every call by which the program changes the disk is counted, below it, in the system; one after the other goes wrong.
"""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.shim import Ran, Zygote

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.slow
OLD = b"an older table"
FORMATS = {
    "csv": ("out.csv",),
    "sqlite": ("out.sqlite",),
    "parquet": ("out.parquet",),
    "years": ("years", "--format", "parquet", "--partition", "year"),
}
ENDS = 4


@dataclass(frozen=True)
class Table:
    """An export to one place, run again and again."""

    zygote: Zygote
    archive: Path
    disk: Path
    output: Path
    options: tuple[str, ...]

    async def run(self, *, at: int = -1, how: str = "rest", error: int = errno.EIO) -> Ran:
        command = ("export", str(self.archive), "-o", str(self.output), *self.options, "--no-progress")
        return await self.zygote.run(*command, env={}, folder=self.disk, at=at, how=how, error=error)

    def begin(self) -> None:
        """The disk as it is before an export: an older table is in its place."""
        shutil.rmtree(self.disk, ignore_errors=True)
        self.disk.mkdir()
        if self.output.suffix:
            self.output.write_bytes(OLD)
        else:
            (self.output / "year=2001").mkdir(parents=True)
            (self.output / "year=2001" / "photos.parquet").write_bytes(OLD)

    def read(self) -> dict[str, bytes]:
        """What people see of the disk: a name that begins with a dot is a part of an export under way."""
        return {name: data for name, data in read_tree(self.disk).items() if not name.startswith(".")}

    def list_parts(self) -> list[str]:
        return [path.name for path in self.disk.iterdir() if path.name.startswith(".")]


@pytest.fixture
def table(request: pytest.FixtureRequest, zygotes: list[Zygote], archives: Path, tmp_path: Path) -> Table:
    name, *options = FORMATS[request.param]
    return Table(zygotes[0], archives / "account", tmp_path / "disk", tmp_path / "disk" / name, tuple(options))


def read_tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def choose(calls: int) -> list[int]:
    """The steps that are tried: those at both ends, and some of the many writes of content in between."""
    return sorted(
        {*range(min(calls, ENDS)), *range(0, calls, max(calls // ENDS, 1)), *range(max(calls - ENDS, 0), calls)}
    )


async def find_new(table: Table) -> tuple[dict[str, bytes], dict[str, bytes], list[int]]:
    """What is there before an export, what is there after it, and the steps to it."""
    table.begin()
    before = table.read()
    ran = await table.run()
    assert (ran.code, table.list_parts()) == (0, []), ran.said
    assert ran.calls > 4, "what is written is not counted"
    return before, table.read(), choose(ran.calls)


@pytest.mark.parametrize("table", FORMATS, indirect=True)
async def test_killed_at_any_step_nothing_half_is_seen(table: Table) -> None:
    before, after, steps = await find_new(table)
    kept = read_tree(table.archive)
    for at in steps:
        table.begin()
        assert (await table.run(at=at, how="kill")).code is None
        seen = table.read()
        assert seen in (before, after) or (not table.output.suffix and not seen), at  # between the moves of two folders
    assert (await table.run()).code == 0
    assert (table.read(), table.list_parts()) == (after, [])
    assert read_tree(table.archive) == kept


@pytest.mark.parametrize("how", ["fail", "short"])
@pytest.mark.parametrize("table", ["csv", "sqlite"], indirect=True)
async def test_a_step_that_fails_is_told_in_one_sentence_and_leaves_nothing(table: Table, how: str) -> None:
    before, after, steps = await find_new(table)
    kept = read_tree(table.archive)
    for at in steps:
        table.begin()
        ran = await table.run(at=at, how=how, error=errno.ENOSPC)
        if ran.code == 0:  # what safety does not need, as the mode of a file
            assert table.read() == after, at
            continue
        assert ran.code == 5, (at, ran)
        assert ran.said.count("\n") == 1, (at, ran.said)
        assert ran.said.startswith(f"Error: Cannot write {table.output}: "), (at, ran.said)
        assert "Mend that, then run the same command again." in ran.said
        assert table.read() in (before, after), at
        assert table.list_parts() == [] or how != "fail", at
    table.begin()
    assert (await table.run()).code == 0
    assert (table.read(), table.list_parts()) == (after, [])
    assert read_tree(table.archive) == kept
