"""Bytes of files that people made, as text: Windows' editors and shells put marks before it, and write UTF-16. Pure.

PowerShell 5 writes UTF-16 with a byte order mark where `>` is used, Notepad UTF-8 with one.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LONGEST_MARK = 4


def find_encoding(head: bytes) -> str:
    """The encoding of text that begins so: by its mark, else by a zero beside its first letter, else UTF-8."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if len(head) > 1 and head[0] and not head[1]:
        return "utf-16-le"
    if len(head) > 1 and head[1] and not head[0]:
        return "utf-16-be"
    return "utf-8"


def decode_text(data: bytes) -> str:
    """A whole file's text. UnicodeDecodeError where it is none."""
    return data.decode(find_encoding(data[:LONGEST_MARK]))


def read_argument(text: str) -> str:
    """An argument of a command as UTF-8, where the locale is one of ASCII and left its bytes as lone surrogates.

    What is no UTF-8 stays as it is, and is refused where it is read.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return text


def to_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in UTF-8, chunk by chunk, each as soon as it has come. Text in UTF-8 passes as it is."""
    chunks = iter(chunks)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= LONGEST_MARK or b"\n" in head:
            break
    encoding = find_encoding(head)
    if encoding in ("utf-8", "utf-8-sig"):
        yield head
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chain([head], chunks):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode()
