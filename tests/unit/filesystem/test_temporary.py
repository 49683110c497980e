"""Folders for temporary files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from harvester.filesystem.folders import make_temporary


def test_it_is_there_for_the_block_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with make_temporary() as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full or failing disk below TMPDIR takes nothing from an archive that was only looked at."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as patched, make_temporary() as folder:
        (folder / "file").touch()
        patched.setattr(os, "unlink", refuse)
    assert (folder / "file").exists()
