"""Whatever reads an archive reads one in parts, and gets the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvester.archive.checkpoint.state import State
from harvester.archive.closing import close_parts, remember_rotation
from harvester.archive.pieces import list_parts
from harvester.cli import main
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Job, Search
from harvester.jobs.rotation import Packing, Rotation
from harvester.python.api import Flickr
from harvester.python.blocking import Archive
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import Opener, harvest_into, settings_for
from support.parts import harvest_in_parts, read_pieces

JOB = Job(source=Search(tags="sandbox"), detail="info")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Opener], Any]:
    """The same archive in one file and in parts of each packing, harvested once."""
    place = tmp_path_factory.mktemp("twins")

    async def make(sandbox_of: Opener) -> dict[str, Path]:
        folders = {name: place / name for name in ("whole", "zstd", "gzip", "none")}
        if not folders["whole"].exists():
            async with sandbox_of(photos=150, owners=2) as sandbox:
                await harvest_into(folders["whole"], sandbox, JOB)
                for packing in ("zstd", "gzip", "none"):
                    shutil.copytree(folders["whole"], folders[packing])
                    await harvest_in_parts(folders[packing], sandbox, Rotation(lines=40, packing=packing), job=JOB)
        return folders

    return make


def call(place: Path, *arguments: str) -> bytes:
    """What a command says, or what it exports."""
    target = place / f"{len(list(place.iterdir()))}.out"
    to = ("-o", str(target)) if arguments[0] == "export" else ()
    result = CliRunner().invoke(main, [*arguments, *to])
    assert result.exit_code == Exit.COMPLETE, result.output
    found = target.read_bytes() if to else result.stdout_bytes
    assert len(found) > 100
    return found


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("has_checkpoint", [True, False])
async def test_exports_ids_and_addresses_are_those_of_one_file(
    has_checkpoint: bool, packing: str, twins: Any, sandbox_of: Opener, tmp_path: Path
) -> None:
    folders = await twins(sandbox_of)
    folder = tmp_path / "a"
    shutil.copytree(folders[packing], folder)
    assert len(list_parts(folder)) > 2
    if not has_checkpoint:
        (folder / "state.sqlite").unlink()
    for command in (
        ("export", "--format", "csv"),
        ("export", "--format", "ndjson"),
        ("export", "--format", "ndjson", "--since", "2020-01-01", "--workers", "2"),
        ("ids",),
        ("urls", "--size", "original"),
    ):
        name, *rest = command
        assert call(tmp_path, name, str(folder), *rest) == call(tmp_path, name, str(folders["whole"]), *rest)
    assert [photo.id for photo in Archive(folder)] == [photo.id for photo in Archive(folders["whole"])]
    assert len(Archive(folder)) == len(Archive(folders["whole"]))


async def test_several_archives_are_exported_together(twins: Any, sandbox_of: Opener, tmp_path: Path) -> None:
    folders = await twins(sandbox_of)
    both = call(tmp_path, "export", "--format", "csv", str(folders["zstd"]), str(folders["whole"]))
    assert both == call(tmp_path, "export", "--format", "csv", str(folders["whole"]))


async def test_a_part_that_is_damaged_fails_an_export(twins: Any, sandbox_of: Opener, tmp_path: Path) -> None:
    folders = await twins(sandbox_of)
    folder = tmp_path / "a"
    shutil.copytree(folders["zstd"], folder)
    path = folder / list_parts(folder)[1].name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    result = CliRunner().invoke(main, ["export", str(folder), "--format", "csv", "-o", str(tmp_path / "x.csv")])
    assert result.exit_code == Exit.USAGE
    assert f"{path} cannot be unpacked in frame 1" in result.output
    assert f"harvester repair {folder} sets it right" in result.output


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.integers(1, 60),
    packing=st.sampled_from(["zstd", "gzip", "none"]),
    frame=st.integers(500, 40_000),
    stretch=st.integers(20_000, 200_000),
)
def test_an_archive_in_parts_of_any_size_is_the_archive(
    lines: int, packing: Packing, frame: int, stretch: int, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("any")
    folder = tmp_path / "a"
    shutil.copytree(whole, folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("harvester.archive.parts.packing.FRAME", frame)
        patched.setattr("harvester.export.run.STRETCH", stretch)
        remember_rotation(folder, Rotation(lines=lines, packing=packing))
        with State(folder / "state.sqlite") as state:
            close_parts(folder, state)
        assert read_pieces(folder) == read_lines(whole / "photos.ndjson")
        for command in (("export", "--format", "ndjson"), ("ids",)):
            name, *rest = command
            assert call(tmp_path, name, str(folder), *rest) == call(tmp_path, name, str(whole), *rest)


@pytest.fixture
async def whole(twins: Any, sandbox_of: Opener) -> Path:
    return Path((await twins(sandbox_of))["whole"])


def open_flickr(sandbox: Sandbox) -> Flickr:
    return Flickr(api_key=str(settings_for(sandbox).api_key), api_url=sandbox.url, quota="none", pace="none")


async def test_python_closes_parts_too(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=100, owners=2) as sandbox, open_flickr(sandbox) as flickr:
        given = [
            photo.id
            async for photo in flickr.harvest(
                JOB.source, archive=tmp_path / "a", detail="list", rotate=30, compress="gzip"
            )
        ]
        with pytest.raises(UsageError, match="only an archive has parts"):
            flickr.harvest(JOB.source, rotate=30)
    assert [part.name for part in list_parts(tmp_path / "a")][:1] == ["photos-00001.ndjson.gz"]
    assert [photo.id for photo in Archive(tmp_path / "a")] == given
    assert len(given) > 90
