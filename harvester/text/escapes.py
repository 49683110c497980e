r"""Text from elsewhere, made harmless for terminals and logs. Pure.

A terminal obeys control characters: C0 and DEL, and C1 too, which xterm takes in UTF-8 as well. The bidirectional
controls obey nobody but show text in another order than it has ("Trojan Source", CVE-2021-42574). Both are written as
`\u001b`, the form that JSON also reads, so that an escaped line of JSON is still the same JSON.
"""

from __future__ import annotations

import codecs
import json
import re

_CONTROLS = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional controls and the deprecated ones beside them
    r"\u2028\u2029"  # line and paragraph separator: Python and many viewers begin a new line there
    r"\ud800-\udfff"  # lone surrogates, as file names that are not UTF-8 have them
)
_controls = re.compile(f"[{_CONTROLS}]")
_breaks = re.compile(rf"[\t\n{_CONTROLS}]")
_escaped = re.compile(rb"\\(?:[^u]|u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)")
r"""An escape of JSON: a pair such as `\n`, or all `\u` that stand together, since two may be one letter."""
_HANDLER = "harvester-escape"


def name_character(character: str) -> str:
    r"""`\u001b`: a character by its number, past 16 bits as a pair of surrogates."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n] << 8 | units[n + 1]:04x}" for n in range(0, len(units), 2))


def escape_controls(text: str) -> str:
    """The text with its control characters escaped; line feeds and tabs stay."""
    return _controls.sub(_escape, text)


def escape_line(text: str) -> str:
    """The text as one line: its line feeds and tabs are escaped, too."""
    return _breaks.sub(_escape, text)


def unescape_json(line: bytes) -> bytes:
    r"""The same JSON with letters in place of their `\u` escapes, so that grep finds them.

    What a terminal obeys stays escaped, and so does what must be: quotes, backslashes, lone surrogates.
    """
    return _escaped.sub(_write_letters, line) if b"\\u" in line else line


def fit_encoding(text: str, encoding: str | None) -> str:
    """The text with all escaped that the encoding has no bytes for; None is a stream without one, which takes all."""
    try:
        return text.encode(encoding, _HANDLER).decode(encoding) if encoding else text
    except (LookupError, UnicodeError):  # an encoding that does not hold even the escapes
        return text


def _write_letters(found: re.Match[bytes]) -> bytes:
    if found[0][1:2] != b"u":
        return found[0]
    letters: str = json.loads(b'"%s"' % found[0])
    return "".join(name_character(c) if c in '"\\' or _breaks.match(c) else c for c in letters).encode()


def _escape(found: re.Match[str]) -> str:
    return name_character(found[0])


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(name_character, error.object[error.start : error.end])), error.end


codecs.register_error(_HANDLER, _escape_unencodable)
