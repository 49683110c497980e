"""From an address to the store."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from harvester.errors import UsageError, show
from harvester.objects.cloud import CloudStore
from harvester.objects.faults import USUAL
from harvester.objects.folder import FolderStore
from harvester.objects.patience import Patience
from harvester.objects.store import Store

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def is_address(text: str) -> bool:
    """Whether a text is an address, be it of a store or not, and no path."""
    return _SCHEME.match(text) is not None


def open_store(url: str | Path, *, patience: Patience | None = None, is_private: bool = False) -> Store:
    """The store at a path, `file:///path`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    Nothing is asked yet: `check` does that. Object stores have their credentials and their own address by the usual
    variables of the environment. `patience` is for their transient faults; `is_private` keeps what is put into a folder
    from other users. UsageError: another address, or obstore is missing.
    """
    text = str(url)
    found = _SCHEME.match(text)
    if not found:
        return FolderStore(Path(text).expanduser(), is_private=is_private)
    scheme = found[1].lower()
    if scheme == "file":
        return FolderStore(_read_file_address(text), is_private=is_private)
    if scheme not in USUAL:
        raise UsageError(
            f"{show(text)} is no address of a store: name a folder, file:///PATH, s3://BUCKET/PREFIX, "
            "gs://BUCKET/PREFIX or az://CONTAINER/PREFIX."
        )
    return CloudStore(scheme + text[len(scheme) :].rstrip("/"), patience=patience or Patience())


def _read_file_address(text: str) -> Path:
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise UsageError(f"{show(text)} names no path: write file:///PATH, with three slashes.")
    return Path(unquote(parts.path))
