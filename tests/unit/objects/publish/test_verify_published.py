"""`harvester verify` proves a published copy by its manifest, wherever it is."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harvester.archive.manifest import encode_manifest
from harvester.cli import main
from harvester.errors import Exit
from harvester.jobs.model import Account, Job
from harvester.objects import Store, open_store
from harvester.objects.publish.plan import name_key
from harvester.objects.publish.upload import publish
from harvester.verify.published import prove_published
from support.accounts import owner
from support.harvest import Opener, harvest_into
from support.object_stores import Bucket


@pytest.fixture
async def archive(sandbox_of: Opener, tmp_path: Path) -> Path:
    async with sandbox_of(photos=60) as sandbox:
        await harvest_into(tmp_path / "a", sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
    return tmp_path / "a"


@pytest.fixture(params=["bucket", "folder"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, archive: Path) -> Store:
    if request.param == "folder":
        store = open_store(f"file://{tmp_path / 'p'}")
    else:
        found: Bucket = request.getfixturevalue("bucket")
        store = open_store(f"s3://{found.name}/p")
    await publish(archive, store)
    return store


def call(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


def address_of(store: Store) -> str:
    return store.url if "://" in store.url else f"file://{store.url}"


async def find_key(store: Store, name: str) -> str:
    (key,) = [entry.key async for entry in store.list() if entry.key.startswith(f"{name}.")]
    return key


async def test_a_whole_copy_is_whole(store: Store) -> None:
    verdict = await prove_published(store)
    assert (verdict.findings, verdict.checked_by) == ((), "manifest")
    result = await asyncio.to_thread(call, address_of(store))
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["Checked by manifest.json alone, which was published with the files.", f"{store.url} is whole."],
    )


async def test_what_is_missing_short_or_changed_is_told(store: Store) -> None:
    people, photos, groups = [await find_key(store, name) for name in ("people", "photos", "groups")]
    await store.delete(people)
    await store.put(groups, b"short")
    data = await store.get(photos) or b""
    await store.put(photos, data.replace(b"sandbox", b"sandbag", 1))
    result = await asyncio.to_thread(call, address_of(store))
    assert result.exit_code == Exit.INCOMPLETE
    told = result.stdout
    assert "groups.ndjson: 5 bytes where manifest.json has " in told
    assert "people.ndjson is missing.\n" in told
    assert "photos.ndjson: its sha256 is not that of manifest.json: the file was changed.\n" in told
    assert told.endswith("`harvester resume` of the archive itself publishes it anew.\n")
    assert len(told.splitlines()) == 5


async def test_a_damaged_or_foreign_manifest_is_told(store: Store) -> None:
    data = await store.get("manifest.json") or b""
    await store.put("manifest.json", data[:-30])
    assert "manifest.json is damaged" in (await prove_published(store)).findings[0]
    facts = json.loads(data)
    facts["objects"]["photos.ndjson"]["key"] = "../secret"
    await store.put("manifest.json", encode_manifest({k: v for k, v in facts.items() if k != "checksum"}))
    assert "none of an archive's" in (await prove_published(store)).findings[0]
    await store.delete("manifest.json")
    result = await asyncio.to_thread(call, address_of(store))
    assert result.exit_code == Exit.USAGE
    assert f"{store.url} is no published archive: it has no manifest.json." in result.stderr


async def test_a_copy_that_is_published_anew_meanwhile_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await store.get("manifest.json") or b""
    facts = json.loads(old)
    gone = {"key": "photos.0123456789abcdef.ndjson", "bytes": 1, "sha256": "0123456789abcdef" * 4}
    facts["objects"]["photos.ndjson"] = gone
    before = encode_manifest({k: v for k, v in facts.items() if k != "checksum"})
    answers = iter([before])
    real = store.get

    async def get(key: str) -> bytes | None:
        return next(answers, None) or await real(key)

    monkeypatch.setattr(store, "get", get)
    assert (await prove_published(store)).is_whole


async def test_a_downloaded_copy_is_proved_where_it_is(archive: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "p")
    await publish(archive, store)
    result = await asyncio.to_thread(call, tmp_path / "p")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"{tmp_path / 'p'} is whole."), result.output
    (tmp_path / "p" / await find_key(store, "people")).write_bytes(b"x")
    result = await asyncio.to_thread(call, tmp_path / "p")
    assert result.exit_code == Exit.INCOMPLETE
    assert "people.ndjson: 1 byte where manifest.json has" in result.stdout


async def test_a_plain_copy_in_a_bucket_is_proved_by_its_own_names(archive: Path, bucket: Bucket) -> None:
    store = open_store(f"s3://{bucket.name}/plain")
    for path in archive.glob("*.*json"):
        await store.put(path.name, path)
    assert (await prove_published(store)).is_whole
    await store.put("people.ndjson", b"x")
    assert (await prove_published(store)).findings[0].startswith("people.ndjson: 1 byte where")


async def test_several_are_proved_and_the_worst_counts(store: Store, archive: Path, bucket: Bucket) -> None:
    bad = f"s3://{bucket.name}/nothing"
    result = await asyncio.to_thread(call, archive, address_of(store), bad)
    assert result.exit_code == Exit.USAGE
    assert f"{archive} is whole." in result.stdout
    assert f"{store.url} is whole." in result.stdout
    assert f"{bad} is no published archive" in result.stderr
    result = await asyncio.to_thread(call, address_of(store), "--json")
    assert json.loads(result.stdout)["whole"] is True


async def test_what_the_store_refuses_has_its_exit_code(bucket: Bucket) -> None:
    result = await asyncio.to_thread(call, "s3://no-such-bucket/x")
    assert (result.exit_code, "there is no such bucket" in result.stderr) == (Exit.USAGE, True)
    bucket.plan = lambda _method, _path: "403"
    result = await asyncio.to_thread(call, f"s3://{bucket.name}/x")
    assert (result.exit_code, "refuses the credentials" in result.stderr) == (Exit.KEY_REFUSED, True)


async def put_archive(store: Store, path: Path, size: int) -> None:
    """A copy of one file of so many bytes."""
    path.write_bytes(b"x" * size)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    key = name_key("photos.ndjson", digest)
    objects = {"photos.ndjson": {"key": key, "bytes": size, "sha256": digest}}
    entry = {"bytes": size, "lines": 1, "sha256": digest}
    facts = {"format": 2, "status": "complete", "files": {"photos.ndjson": entry}, "objects": objects}
    await store.put(key, path)
    await store.put("manifest.json", encode_manifest(facts))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_memory_stays_flat(bucket: Bucket, tmp_path: Path) -> None:
    """A copy of 120 MB takes a few pieces more than one of nothing."""
    program = (
        "import asyncio, re, sys\n"
        "from harvester.objects import open_store\n"
        "from harvester.verify.published import prove_published\n"
        "verdict = asyncio.run(prove_published(open_store(sys.argv[1])))\n"
        "print(verdict.is_whole, re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for number, size in enumerate((1000, 120_000_000)):
        address = f"s3://{bucket.name}/{number}"
        await put_archive(open_store(address), tmp_path / str(number), size)
        run = await asyncio.create_subprocess_exec(sys.executable, "-c", program, address, stdout=subprocess.PIPE)
        told = (await run.communicate())[0].split()
        assert told[0] == b"True"
        peaks.append(int(told[1]) // 1024)
    assert peaks[1] - peaks[0] < 60, peaks
