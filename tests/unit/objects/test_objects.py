"""A shared folder and an object store keep whole objects by their keys, and of several writers one is the first."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harvester.errors import Exit, StoreFault, UsageError
from harvester.filesystem.limitations import LIMITATIONS
from harvester.objects import Entry, Store, cloud, folder, open_store
from harvester.objects.faults import read_fault
from harvester.objects.patience import Patience
from harvester.objects.store import PIECE, check_key
from support.object_stores import Bucket, Fault, fail_first


class Time:
    """A clock that goes on by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def patience(self, total: float = 120) -> Patience:
        return Patience(
            total=total, clock=lambda: self.now, sleep=self.sleep, dice=lambda: 1.0, on_wait=lambda _, s: self.note(s)
        )

    def note(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(params=["folder", "s3", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(tmp_path / "store")
    found: Bucket = request.getfixturevalue("bucket")
    return open_store(f"{request.param}://{found.name}/some/prefix")


async def collect(found: AsyncIterator[Entry]) -> list[Entry]:
    return sorted([entry async for entry in found], key=lambda entry: entry.key)


async def test_what_is_put_is_had_again(store: Store, tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.write_bytes(os.urandom(2 * PIECE + 5))
    await store.put("a/b é#%.json", b"{}")
    await store.put("a/b é#%.json", b"[]")
    await store.put("a/long", long)
    await store.put("ab", b"")
    assert await store.get("a/b é#%.json") == b"[]"
    assert await store.get("a") is None
    assert await store.head("a/long") == Entry("a/long", 2 * PIECE + 5)
    assert await store.head("nothing/here") is None
    pieces = [piece async for piece in store.stream("a/long")]
    assert b"".join(pieces) == long.read_bytes()
    assert max(map(len, pieces)) <= PIECE
    assert [entry.key for entry in await collect(store.list())] == ["a/b é#%.json", "a/long", "ab"]
    assert [entry.key for entry in await collect(store.list("a"))] == ["a/b é#%.json", "a/long"]
    assert await collect(store.list("nothing")) == []
    await store.delete("ab")
    await store.delete("ab")
    assert await store.get("ab") is None
    with pytest.raises(StoreFault, match="is not there"):
        await anext(store.stream("ab"))


async def test_of_many_writers_exactly_one_is_the_first(store: Store) -> None:
    done = await asyncio.gather(*(store.put_new("commit", str(number).encode()) for number in range(20)))
    assert sum(done) == 1
    assert await store.get("commit") == str(done.index(True)).encode()
    assert not await store.put_new("commit", b"late")
    assert [entry.key for entry in await collect(store.list())] == ["commit"]


async def test_a_long_file_is_put_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "SINGLE", 1000)
    long = tmp_path / "long"
    long.write_bytes(bytes(5000))
    assert await store.put_new("parts/1", long)
    assert not await store.put_new("parts/1", long)
    assert await store.head("parts/1") == Entry("parts/1", 5000)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/./b", "a\\b", "a\nb", "a/x.part"])
def test_a_key_that_could_lead_out_of_the_store_is_none(key: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        check_key(key)


@pytest.mark.slow
async def test_many_objects_are_listed(bucket: Bucket) -> None:
    store = open_store(f"s3://{bucket.name}")
    await asyncio.gather(*(store.put(f"d/{number:04}", b"") for number in range(1010)))
    bucket.plan = fail_first("GET", 2, "503")
    time = Time()
    found = open_store(f"s3://{bucket.name}", patience=time.patience()).list("d")
    assert [entry.key async for entry in found] == [f"d/{number:04}" for number in range(1010)]
    assert time.waits == [0.5, 1.0]


async def test_half_an_answer_costs_one_piece(bucket: Bucket) -> None:
    time, data = Time(), os.urandom(3 * PIECE)
    store = open_store(f"s3://{bucket.name}/p", patience=time.patience())
    await store.put("a", data)
    bucket.plan, bucket.asked = fail_first("GET", 2, "half"), []
    assert b"".join([piece async for piece in store.stream("a")]) == data
    assert [method for method, _ in bucket.asked] == ["HEAD", *["GET"] * 5]


@pytest.mark.parametrize("fault", ["503", "cut"])
async def test_transient_faults_are_waited_through(bucket: Bucket, fault: Fault) -> None:
    time = Time()
    store = open_store(f"s3://{bucket.name}/p", patience=time.patience())
    bucket.plan = fail_first("PUT", 4, fault)
    assert await store.put_new("a", b"1")
    assert time.waits == [0.5, 1.0, 2.0, 4.0]
    bucket.plan = fail_first("GET", 1, fault)
    assert await store.get("a") == b"1"


async def test_a_put_whose_answer_was_lost_is_still_the_first(bucket: Bucket) -> None:
    store = open_store(f"s3://{bucket.name}/p", patience=Time().patience())
    bucket.plan = fail_first("PUT", 1, "lost")
    assert await store.put_new("a", b"attempt 1")
    bucket.plan = fail_first("PUT", 1, "lost")
    assert not await store.put_new("a", b"attempt 2")
    assert await store.get("a") == b"attempt 1"


async def test_patience_ends(bucket: Bucket) -> None:
    time = Time()
    store = open_store(f"s3://{bucket.name}/p", patience=time.patience(total=100))
    bucket.plan = lambda _method, _path: "503"
    with pytest.raises(StoreFault, match="answers 503 SlowDown: run the same command again") as caught:
        await store.put_new("a", b"1")
    assert caught.value.exit_code == Exit.INCOMPLETE
    assert 60 < time.now <= 100
    assert time.waits[-2:] == [30, 30]


async def test_a_store_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Bucket("b", "http://127.0.0.1:9").environment.items():
        monkeypatch.setenv(name, value)
    time = Time()
    with pytest.raises(StoreFault, match=r"^s3://bucket/p does not answer: run the same command again") as caught:
        await open_store("s3://bucket/p", patience=time.patience()).check()
    assert caught.value.exit_code == Exit.INCOMPLETE
    assert time.now > 90


@pytest.mark.usefixtures("bucket")
async def test_a_bucket_that_is_not_there_is_told_at_once() -> None:
    time = Time()
    store = open_store("s3://no-such-bucket/p", patience=time.patience())
    for ask in (store.check(), store.put("a", b""), store.put_new("a", b""), store.get("a"), anext(store.list())):
        with pytest.raises(StoreFault, match=r"^s3://no-such-bucket/p: there is no such bucket") as caught:
            await ask
        assert caught.value.exit_code == Exit.USAGE
    assert time.waits == []


async def test_refused_credentials_are_told_and_not_shown(bucket: Bucket) -> None:
    time = Time()
    store = open_store(f"s3://{bucket.name}/p", patience=time.patience())
    bucket.plan = lambda _method, _path: "403"
    with pytest.raises(StoreFault, match=r"refuses the credentials \(403 InvalidAccessKeyId\)") as caught:
        await store.check()
    assert caught.value.exit_code == Exit.KEY_REFUSED
    assert "testing" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert time.waits == []


async def test_without_credentials_the_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        StoreFault, match=r"there are no credentials for it\. Set AWS_ACCESS_KEY_ID, AWS_SECRET"
    ) as caught:
        await open_store("s3://bucket/p", patience=Time().patience()).check()
    assert caught.value.exit_code == Exit.KEY_REFUSED


async def test_an_object_replaced_while_it_is_read_is_told(bucket: Bucket) -> None:
    store = open_store(f"s3://{bucket.name}/p", patience=Time().patience())
    await store.put("a", bytes(2 * PIECE))
    found = store.stream("a")
    await anext(found)
    await store.put("a", b"x" * (2 * PIECE))
    with pytest.raises(StoreFault, match="was replaced while it was read"):
        await anext(found)


def test_no_text_of_the_store_is_shown() -> None:
    fault = read_fault("GenericError", "performing PUT https://a.blob/?sig=SECRET status code: 500", url="az://c/p")
    assert "SECRET" not in str(fault)
    assert fault.is_transient


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://", "names no bucket"),
        ("s3://key:secret@bucket/p", "comes from the environment"),
        ("az://box/p?sig=secret", "comes from the environment"),
        ("az://box/p", "Account must be specified"),
        ("ftp://bucket/p", "is no address of a store"),
        ("file://host/p", "with three slashes"),
    ],
)
def test_an_address_of_no_use_is_told_without_its_secrets(url: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(UsageError, match=told) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_missing_extra_is_told_with_the_line_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(UsageError, match=r'pip install "flickr-harvester\[cloud\]"'):
        open_store("s3://bucket/p")


def test_paths_and_file_addresses_are_folders(tmp_path: Path) -> None:
    assert open_store(tmp_path).url == open_store(f"file://{tmp_path}/").url == str(tmp_path)
    assert open_store("file:///a%20b").url == "/a b"


async def test_a_folder_that_is_not_there_is_told_or_made(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a" / "b")
    with pytest.raises(StoreFault, match="is no folder that is there") as caught:
        await store.check()
    assert caught.value.exit_code == Exit.USAGE
    await store.check(make=True)
    (tmp_path / "file").touch()
    with pytest.raises(StoreFault, match="no folder"):
        await open_store(tmp_path / "file").check()


async def test_what_is_private_is_its_users_alone(tmp_path: Path) -> None:
    await open_store(tmp_path / "s", is_private=True).put("a/b", b"")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("s/a/b", "s/a", "s")] == [0o600, 0o700, 0o700]


async def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_number: int, _path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "s/a"))

    monkeypatch.setattr(folder, "sync_file", fail)
    store = open_store(tmp_path / "s")
    for put in (store.put, store.put_new):
        with pytest.raises(StoreFault, match=r"No space left on device\. Mend that") as caught:
            await put("a", b"1")
        assert caught.value.exit_code == Exit.CANNOT_WRITE
    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.parametrize("is_done", [True, False])
async def test_over_nfs_a_link_that_was_asked_for_twice_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    real = os.link

    def link(source: Path, target: Path, *, follow_symlinks: bool) -> None:
        if is_done:
            real(source, target, follow_symlinks=follow_symlinks)
        raise FileExistsError

    monkeypatch.setattr(os, "link", link)
    assert await open_store(tmp_path).put_new("a", b"1") is is_done


async def test_without_hard_links_a_file_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", link)
    store = open_store(tmp_path)
    assert await store.put_new("a", b"1")
    assert not await store.put_new("a", b"2")
    assert await store.get("a") == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert any("Files cannot have two names there" in told for told in LIMITATIONS.take())


async def test_links_and_pipes_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "store").mkdir()
    (tmp_path / "store/link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "store/pipe")
    store = open_store(tmp_path / "store")
    assert await collect(store.list()) == []
    assert await store.get("pipe") is None
    with pytest.raises(StoreFault):
        await store.get("link")


@pytest.mark.slow
def test_processes_that_write_the_same_key_have_one_first(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom harvester.objects import open_store\n"
        "print(asyncio.run(open_store(sys.argv[1]).put_new('commit', sys.argv[2].encode())))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path, str(number)], stdout=subprocess.PIPE)
        for number in range(4)
    ]
    told = [each.communicate()[0].strip() for each in started]
    assert sorted(told) == [b"False", b"False", b"False", b"True"]
    assert (tmp_path / "commit").read_bytes() == str(told.index(b"True")).encode()
