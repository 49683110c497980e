"""Who may ask: a page of this server's own, and a program on this machine; no page of anybody else's. Pure.

A page of another site reaches an address on this machine too. Its browser then names it in Origin and Sec-Fetch-Site,
or, where its name has been made to lead here (DNS rebinding), in Host.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
_OWN = ("same-origin", "none")
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What goes with each answer."""


def is_own_page(headers: Mapping[str, str]) -> bool:
    """Whether a request is of a page of this server, or of no page at all."""
    host = headers.get("Host", "")
    if not _HOST.fullmatch(host):
        return False
    return headers.get("Origin", f"http://{host}") == f"http://{host}" and headers.get("Sec-Fetch-Site", "none") in _OWN


def is_token(given: str, token: str) -> bool:
    """Whether the token that was given is the right one."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())
