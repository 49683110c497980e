"""Logins that are kept: a file for each API key and service in the user's config folder, nobody else's to read."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import stat
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import msgspec

from harvester.archive.disk.files import cannot_write
from harvester.config.settings import Settings
from harvester.errors import CannotWrite, UsageError
from harvester.filesystem.folders import find_folder
from harvester.flickr.oauth import build_login_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A token, and whose it is. `granted` is when."""

    nsid: str
    username: str
    fullname: str
    perms: str
    granted: str
    oauth_token: str = field(repr=False)
    oauth_token_secret: str = field(repr=False)


def config_folder() -> Path | None:
    """Where harvester.toml and logins are: HARVESTER_CONFIG_DIR, else `harvester` in the user's config folder.

    None for a user without a home, or with one that is closed to them, as in a container or under systemd.
    """
    import platformdirs  # noqa: PLC0415

    chosen = find_folder("HARVESTER_CONFIG_DIR", platformdirs.user_config_path)
    try:
        is_open = chosen is not None and os.access(chosen if chosen.is_dir() else _find_parent(chosen), os.X_OK)
    except OSError:
        is_open = False
    return chosen if is_open else None


def require_config_folder() -> Path:
    """The folder for logins; CannotWrite where there is none."""
    folder = config_folder()
    if folder is None:
        raise CannotWrite("There is no home with a folder for the login: set HARVESTER_CONFIG_DIR to a folder.")
    return folder


def _find_parent(path: Path) -> Path:
    """The nearest folder above that is there."""
    return next(parent for parent in path.parents if parent.exists())


def find_path(settings: Settings, folder: Path) -> Path:
    """The file of a key's login. A sandbox's is another one than Flickr's: no token goes where it is not from."""
    name = f"{settings.require_key()}\n{build_login_prefix(settings.api_url)}"
    return folder / f"login-{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}.json"


def read_login(path: Path) -> Login | None:
    """The login of a file; None where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Login)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"The login in {path} cannot be read: {error.strerror}.") from None
    except (msgspec.MsgspecError, ValueError):
        raise UsageError(f"{path} does not hold a login: run `harvester auth login` again.") from None


def make_folder(folder: Path) -> None:
    """Make the folder of logins; CannotWrite where none could be kept there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    if not os.access(folder, os.W_OK):
        raise CannotWrite(f"The login could not be kept: {folder} cannot be written to.")


def write_login(path: Path, login: Login) -> None:
    """Keep a login instead of what was there, at once and for this user only."""
    text = json.dumps(asdict(login), ensure_ascii=False, indent=2) + "\n"
    try:
        number, part = tempfile.mkstemp(prefix=".login-", dir=path.parent)  # 0600 from its first moment
        try:
            with open(number, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                file.write(text)
                file.flush()
                os.fsync(number)
            Path(part).replace(path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from None


def find_perms(settings: Settings, folder: Path | None) -> str | None:
    """What the login that is used may do, where it is the one that is kept; None where that is not known."""
    if folder is None or not settings.has_login:
        return None
    with suppress(UsageError):  # a damaged one that is not used
        kept = read_login(find_path(settings, folder))
        return kept.perms if kept and kept.oauth_token == settings.oauth_token else None
    return None


def remove_login(path: Path) -> bool:
    """Forget a login; whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from None
    return True


def find_warnings(path: Path) -> tuple[str, ...]:
    """What the user should fix: a login that others can read."""
    mode = path.stat().st_mode
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        return (f"{path} holds a login and others can read it: `chmod 600 {shlex.quote(str(path))}` fixes that.",)
    return ()


def add_login(settings: Settings, folder: Path | None) -> tuple[Settings, tuple[str, ...]]:
    """The settings with the login that is kept for their key, where they have none of their own; and warnings."""
    if folder is None or not settings.api_key or settings.oauth_token or settings.oauth_token_secret:
        return settings, ()
    path = find_path(settings, folder)
    login = read_login(path)
    if login is None:
        return settings, ()
    signed = replace(settings, oauth_token=login.oauth_token, oauth_token_secret=login.oauth_token_secret)
    return signed, find_warnings(path)
