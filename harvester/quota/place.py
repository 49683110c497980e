"""Where a quota is kept for several machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harvester.errors import UsageError

_SCHEMES = ("redis", "rediss", "unix")
_PORT = 6379


@dataclass(frozen=True, slots=True)
class Place:
    """A Redis server. `url` may hold a password, `name` never does."""

    url: str = field(repr=False)
    name: str

    @classmethod
    def read(cls, text: str) -> Place:
        """`redis://HOST:PORT/DB`, `rediss://…` with TLS, `unix://PATH`, as redis-py reads them; else UsageError."""
        url = text.strip()
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            is_good = parts.scheme in _SCHEMES and bool(parts.path if parts.scheme == "unix" else host)
            name = (
                parts.path
                if parts.scheme == "unix"
                else f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORT}"
            )
        except ValueError:
            is_good = False
        if not is_good:
            raise UsageError("this is no address of a Redis server: write redis://HOST:6379/0, or rediss:// for TLS.")
        return cls(url, name)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of the address must never be shown."""
        password = urlsplit(self.url).password
        return (self.url, password) if password else ()
