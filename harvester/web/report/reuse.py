"""What each of Flickr's licences allows, as its own text says. Pure."""

from __future__ import annotations

import re

import msgspec

from harvester.export.licenses import LICENSES

_FREE = frozenset({7, 8, 9, 10})
"""No known copyright restrictions, a work of the United States Government, CC0, and the public domain."""


class Terms(msgspec.Struct, frozen=True):
    """What may be done under a licence. `is_open` is None where no licence is told or it has no known name."""

    name: str
    url: str
    is_open: bool | None
    """Whether anything is allowed without asking."""
    must_attribute: bool = False
    commercially: bool = False
    adapted: bool = False
    alike: bool = False
    """Adaptations must have the same licence."""


def read_terms(license_id: int) -> Terms:
    """The terms of a licence by Flickr's number; -1 for none told."""
    known = LICENSES.get(license_id)
    if known is None or known.name is None:
        return Terms("not told" if license_id < 0 else f"Flickr's licence {license_id}", "", None)
    name, url = known.name, known.url or ""
    if license_id == 0:
        return Terms(name, url, is_open=False)
    if license_id in _FREE:
        return Terms(name, url, is_open=True, commercially=True, adapted=True)
    parts = set(re.split(r"[ -]", name))
    return Terms(
        name,
        url,
        is_open=True,
        must_attribute="BY" in parts,
        commercially="NC" not in parts,
        adapted="ND" not in parts,
        alike="SA" in parts,
    )
