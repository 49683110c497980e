"""Takes keys, secrets and tokens out of texts. Pure.

Known secrets are found as they are, percent-encoded once or twice (Flickr's `debug_sbs` repeats the signed base string,
in which all is encoded twice), and as HTML. Unknown or short ones are found by the names that stand before them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

# Shorter ones may be words ("demo"); they are still taken out of addresses.
_SHORTEST = 8
_NAMED = re.compile(
    r"(?<![A-Za-z])(api_key|api_sig|auth_token|oauth_(?:consumer_key|signature|verifier|token(?:_secret)?))"
    r"(=\"?|%(?:25)*3D|\"?:\s?\"|\":\s?|:(?=\S))"
    r"(?:(?!%(?:25)*(?:26|22|20))[^&\s'\",<>])+",
)
_BASE_STRING = re.compile(r"(debug_sbs(?:=|%(?:25)*3D))\S+")
_HINTS = ("api_", "auth_", "debug_sbs")


class Redactor:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Add secrets to those that are taken out."""
        self._secrets |= {secret.strip() for secret in secrets if len(secret.strip()) >= _SHORTEST}
        forms = {form for secret in self._secrets for form in _write_forms(secret)}
        if forms:
            longest_first = sorted(forms, key=len, reverse=True)
            self._known = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """The text without them."""
        text = self.hide_known(text)
        if any(hint in text for hint in _HINTS):
            text = _NAMED.sub(r"\1\2***", _BASE_STRING.sub(r"\1***", text))
        return text

    def hide_known(self, text: str) -> str:
        """The text without the secrets that were named; addresses stay as they are."""
        return self._known.sub("***", text) if self._known else text


def _write_forms(secret: str) -> Iterator[str]:
    """The ways in which a server may repeat a secret."""
    once = quote(secret, safe="")
    yield from (secret, once, quote(once, safe=""), html.escape(secret))
