"""Killed with SIGKILL at random moments and started again, the archive is that of an undisturbed run."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from harvester.sandbox.faults import Faults
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY, Opener
from support.processes import start, until_calls

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


@pytest.mark.slow
@pytest.mark.parametrize(("detail", "photos", "kills"), [("full", 2_000, 12), ("list", 20_000, 6)])
async def test_killed_at_random_moments_it_ends_with_each_photo_once(
    detail: str, photos: int, kills: int, sandbox_of: Opener, tmp_path: Path
) -> None:
    rng = random.Random(7)
    async with sandbox_of(photos=photos, faults=Faults(any=0.05, drift=0.0)) as sandbox:
        search = ("search", "--tags", "sandbox", "--detail", detail, "-o", str(tmp_path))
        least = photos * 2 + photos // 500 if detail == "full" else photos // 500
        for _ in range(kills):
            process = await start(sandbox, *search)
            await until_calls(sandbox, sandbox.stats.calls + rng.randrange(1, 2 * least // kills), process)
            await asyncio.sleep(rng.random() * 0.02)
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()
        process = await start(sandbox, *search)
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        calls = sandbox.stats.calls
    ids = [line["id"] for line in read_lines(tmp_path / "photos.ndjson")]
    assert len(ids) == len(set(ids)) == photos
    assert verify_archive(tmp_path) == []
    # What a kill costs depends on the machine's load: `make soak` measures it. Here no work is done twice over.
    assert calls <= least * 2 + kills * 32


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_it_cleanly_with_its_exit_code(
    number: signal.Signals, code: int, sandbox_of: Opener, tmp_path: Path
) -> None:
    async with sandbox_of(photos=5_000, latency=0.02) as sandbox:
        process = await start(sandbox, "search", "--tags", "sandbox", "-o", str(tmp_path))
        await until_calls(sandbox, 200, process)
        process.send_signal(number)
        _, said = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == code, said.decode()
    assert b"resume" in said
    assert b"Traceback" not in said
    assert KEY.encode() not in said
    lines = read_lines(tmp_path / "photos.ndjson")
    assert lines
    assert all("sizes" in line for line in lines)


@pytest.mark.slow
async def test_a_reader_that_leaves_ends_it_quietly(sandbox_of: Opener) -> None:
    async with sandbox_of(photos=3_000) as sandbox:
        process = await start(sandbox, "search", "--tags", "sandbox", "-q")
        assert process.stdout
        first = await process.stdout.readline()
        assert first.startswith(b'{"id":')
        process.stdout._transport.close()  # type: ignore[attr-defined]
        assert process.stderr
        assert await process.stderr.read() == b""
        assert await asyncio.wait_for(process.wait(), 15) == 0


@pytest.mark.slow
async def test_damage_is_described_by_file_line_and_byte(sandbox: Sandbox, tmp_path: Path) -> None:
    process = await start(sandbox, "search", "--tags", "sandbox", "--limit", "20", "-o", str(tmp_path))
    assert await process.wait() == 0
    path = tmp_path / "photos.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"{broken\n", *lines[5:], lines[0]]))
    findings = "\n".join(verify_archive(tmp_path))
    assert f"photos.ndjson line 5, byte {sum(map(len, lines[:4]))}: not JSON" in findings
    assert "line 21" in findings
    assert "stands in line 1 already" in findings
    assert "sha256" in findings


@pytest.mark.slow
async def test_a_file_that_has_become_shorter_has_not_the_sha256_of_the_manifest(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    process = await start(sandbox, "search", "--tags", "sandbox", "--limit", "20", "-o", str(tmp_path))
    assert await process.wait() == 0
    path = tmp_path / "photos.ndjson"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert "photos.ndjson: its sha256 is not that of manifest.json: the file was changed." in verify_archive(tmp_path)
