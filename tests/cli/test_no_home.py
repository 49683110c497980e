"""A user without a home, as in a container, under cron or systemd: everything works that needs none."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from click.testing import CliRunner

from harvester.auth.token_store import config_folder, require_config_folder
from harvester.cli import main
from harvester.errors import CannotWrite, Exit, UsageError
from harvester.quota.counting import state_folder
from support.folders import closed
from support.harvest import KEY

VARIABLES = ("HOME", "HARVESTER_STATE_DIR", "HARVESTER_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


@pytest.fixture(autouse=True)
def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(f"uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_no_home_is_no_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config_folder() is None
    with pytest.raises(CannotWrite, match="set HARVESTER_CONFIG_DIR"):
        require_config_folder()
    monkeypatch.setenv("HARVESTER_CONFIG_DIR", str(tmp_path / "new"))
    assert config_folder() == tmp_path / "new"


def test_a_state_folder_is_asked_for_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CannotWrite, match=r"^There is no folder .* set HARVESTER_STATE_DIR to one"):
        state_folder()
    monkeypatch.setenv("HARVESTER_STATE_DIR", str(tmp_path))
    assert state_folder() == tmp_path


@pytest.mark.parametrize("name", ["HARVESTER_STATE_DIR", "HARVESTER_CONFIG_DIR"])
def test_a_tilde_without_a_home_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "~/harvester")
    with pytest.raises(UsageError, match=f"^{name}: ~/harvester means a home, and there is none"):
        state_folder() if name == "HARVESTER_STATE_DIR" else config_folder()


@pytest.mark.parametrize("home", ["/nonexistent", "/dev/null"])
def test_a_home_that_is_not_there_holds_no_settings_and_is_no_error(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    result = CliRunner().invoke(main, ["auth", "logout"], env={"FLICKR_API_KEY": KEY})
    assert result.exit_code == Exit.COMPLETE, result.stderr


def test_a_home_that_is_closed_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARVESTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert config_folder() is None


def test_a_home_that_is_read_only_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with closed(tmp_path):
        result = CliRunner().invoke(main, ["search", "--tags", "x"], env={"FLICKR_API_KEY": KEY})
    assert result.exit_code == Exit.CANNOT_WRITE
    assert "set HARVESTER_STATE_DIR to a folder on a local disk" in result.stderr


def test_status_needs_no_home(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["status", str(tmp_path)], env={"FLICKR_API_KEY": KEY})
    assert result.exit_code == Exit.USAGE
    assert "is no archive" in result.stderr
