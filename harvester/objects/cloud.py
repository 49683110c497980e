"""Object stores through obstore: S3 and whatever speaks its language, Google Cloud Storage, Azure."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from harvester.errors import Exit, StoreFault, UsageError
from harvester.objects.faults import USUAL, read_fault
from harvester.objects.patience import Patience
from harvester.objects.store import PIECE, Entry, check_key

SINGLE = 16 << 20
"""Bytes of the longest file that is sent in one request, which alone a store takes on a condition."""
_REQUEST_SECONDS = 120
"""The longest time of a request: it brings or takes a piece, or an object of `SINGLE`, over a slow line."""
_AT_ONCE = 4
"""Pieces that are sent at the same time, and held in memory."""
_CONFLICT = "ConditionalRequestConflict"
"""S3's word where two writers met, and it is open whose object will be there."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

T = TypeVar("T")


class CloudStore:
    """A prefix in a bucket. Each request is tried again after a transient fault, as `patience` says."""

    def __init__(self, url: str, *, patience: Patience) -> None:
        self._url = url
        self._patience = patience
        self._store = _open(url)

    def __repr__(self) -> str:
        return f"<CloudStore {self._url}>"

    @property
    def url(self) -> str:
        """The address; credentials are never in it."""
        return self._url

    async def check(self, *, make: bool = False) -> None:
        """StoreFault where the bucket is not there, refuses the credentials, or does not answer. None is made."""
        _ = make
        await self._keep_on(self._look)

    async def put_new(self, key: str, data: bytes | Path) -> bool:
        """Put an object where there is none: `If-None-Match: *`, or what the store has for that."""
        check_key(key)
        whole = data if isinstance(data, bytes) else await self._read_short(data)
        if whole is not None:
            return await self._put_new(key, whole)
        if await self.head(key) is not None:
            return False
        await self.put(key, data)
        return True

    async def put(self, key: str, data: bytes | Path) -> None:
        """Put an object, in the place of any by this key. A long file goes in pieces, and appears with the last."""
        check_key(key)
        pieces = {"chunk_size": 2 * PIECE, "max_concurrency": _AT_ONCE}
        await self._keep_on(lambda: self._store.put_async(key, data, **pieces))

    async def get(self, key: str) -> bytes | None:
        """The whole object; None where there is none."""
        check_key(key)

        async def read() -> bytes:
            return bytes(await (await self._store.get_async(key)).bytes_async())

        return await self._find(read)

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object piece by piece. Each is a request of its own, so that a cut connection costs one piece."""
        meta = await self._find(lambda: self._store.head_async(check_key(key)))
        if meta is None:
            raise StoreFault(f"{self.url}/{key} is not there.")
        for start in range(0, meta["size"], PIECE):
            span = (start, min(start + PIECE, meta["size"]))
            yield await self._read_piece(key, {"range": span, "if_match": meta["e_tag"]})

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        """The objects below a folder. A fault begins the listing again behind the last key that came."""
        stream, last = None, None

        async def take() -> Any:
            nonlocal stream
            stream = stream or self._store.list(prefix or None, offset=last, chunk_size=1000)
            try:
                return await anext(stream, None)
            except BaseException:
                stream = None
                raise

        while batch := await self._keep_on(take):
            for meta in batch:
                yield Entry(meta["path"], meta["size"])
            last = max(meta["path"] for meta in batch)

    async def head(self, key: str) -> Entry | None:
        """Key and length of an object; None where there is none."""
        meta = await self._find(lambda: self._store.head_async(check_key(key)))
        return None if meta is None else Entry(key, meta["size"])

    async def delete(self, key: str) -> None:
        """Remove an object; none by this key is no error."""
        await self._find(lambda: self._store.delete_async(check_key(key)))

    async def _read_short(self, path: Path) -> bytes | None:
        """What is in a file; None where it is too long for one request."""
        try:
            is_short = (await asyncio.to_thread(path.stat)).st_size <= SINGLE
            return await asyncio.to_thread(path.read_bytes) if is_short else None
        except OSError as error:
            raise self._translate(error) from None

    async def _look(self) -> None:
        async for _ in self._store.list(None, chunk_size=1):
            return

    async def _put_new(self, key: str, data: bytes) -> bool:
        tries = 0

        async def put() -> bool:
            nonlocal tries
            tries += 1
            try:
                await self._store.put_async(key, data, mode="create", use_multipart=False)
            except Exception as error:
                if _name(error) != "AlreadyExistsError" or _CONFLICT in str(error):
                    raise
                return False
            return True

        if await self._keep_on(put):
            return True
        return tries > 1 and await self.get(key) == data  # the answer to an earlier try may have been lost

    async def _read_piece(self, key: str, options: dict[str, Any]) -> bytes:
        async def read() -> bytes:
            return bytes(await (await self._store.get_async(key, options=options)).bytes_async())

        return await self._keep_on(read)

    async def _find(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the store answers about an object; None where it has none."""

        async def find() -> T | None:
            try:
                return await ask()
            except FileNotFoundError as error:
                if not _is_of_object(error) or "NoSuchBucket" in str(error):
                    raise
                return None

        return await self._keep_on(find)

    async def _keep_on(self, ask: Callable[[], Awaitable[T]]) -> T:
        async def attempt() -> T:
            try:
                return await ask()
            except Exception as error:  # noqa: BLE001 - obstore's own kinds, not imported before they are needed
                raise self._translate(error) from None

        return await self._patience.keep_on(attempt)

    def _translate(self, error: Exception) -> Exception:
        if type(error).__module__ == "obstore.exceptions" or _is_of_object(error):
            return read_fault(_name(error), str(error), url=self.url)
        if isinstance(error, OSError):  # a file that was to be put
            reason = error.strerror or str(error).partition("\n")[0]
            return StoreFault(f"What goes to {self.url} cannot be read: {reason}.", exit_code=Exit.CANNOT_WRITE)
        return error


def check_address(url: str) -> None:
    """UsageError where the address names no bucket, or has more in it than a bucket and a prefix."""
    parts = urlsplit(url)
    if not parts.netloc:
        raise UsageError(f"{url} names no bucket: write {parts.scheme}://BUCKET/PREFIX.")
    if "@" in parts.netloc or ":" in parts.netloc or parts.query or parts.fragment:
        usual = USUAL[parts.scheme]
        raise UsageError(
            f"{parts.scheme}:// takes a bucket and a prefix and nothing else: the rest comes from the environment "
            f"({usual})."
        )


def _open(url: str) -> Any:
    """The store of obstore. UsageError where obstore is missing, or the environment keeps it shut."""
    check_address(url)
    try:
        from obstore.store import from_url  # noqa: PLC0415
    except ImportError:
        raise UsageError(f'{url} needs obstore, which is not there: pip install "flickr-harvester[cloud]".') from None
    options: dict[str, Any] = {"timeout": f"{_REQUEST_SECONDS}s"}
    if _is_local_endpoint():
        options["allow_http"] = True
    given: dict[str, Any] = {"client_options": options, "retry_config": {"max_retries": 0}}
    try:
        return from_url(url, **given)
    except Exception as error:  # noqa: BLE001 - obstore's own kinds, and ValueError
        raise _tell_shut(url, error) from None


def _tell_shut(url: str, error: Exception) -> UsageError:
    why = "Account must be specified" if "MissingAccount" in str(error) else _name(error)
    return UsageError(f"{url} cannot be used ({why}): see {USUAL[urlsplit(url).scheme]} in the environment.")


def _is_local_endpoint() -> bool:
    """Whether the store is on this machine, where nobody listens to what goes without TLS."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "GOOGLE_BASE_URL", "AZURE_STORAGE_ENDPOINT")
    return any(urlsplit(os.environ.get(name, "")).hostname in _LOOPBACK for name in names)


def _is_of_object(error: Exception) -> bool:
    return isinstance(error, FileNotFoundError) and "Object at location" in str(error)


def _name(error: Exception) -> str:
    return type(error).__name__
