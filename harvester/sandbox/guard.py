"""Who may use the pages that change things: programs on this machine, and no page of a website in its browser."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


def is_trusted(headers: Mapping[str, str]) -> bool:
    """Whether a request names this machine, and comes from no other page than the sandbox's own.

    A name that a website lets point to this machine (DNS rebinding) stands in Host. A form that a website sends
    tells the website in Origin.
    """
    host = headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name in _LOCAL and headers.get("origin", f"http://{host}") == f"http://{host}"
