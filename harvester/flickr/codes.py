"""Flickr's codes: ids of people, numbers of licences, kinds of content, levels of safety. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harvester.flickr.lenient_json import read_number

NSID = re.compile(r"\d+@N\d\d", re.ASCII)
"""The id of a person or a group, in capitals."""
LICENSES: Mapping[str, int] = {
    "all-rights-reserved": 0,
    "cc-by-nc-sa-2.0": 1,
    "cc-by-nc-2.0": 2,
    "cc-by-nc-nd-2.0": 3,
    "cc-by-2.0": 4,
    "cc-by-sa-2.0": 5,
    "cc-by-nd-2.0": 6,
    "no-known-copyright": 7,
    "us-government": 8,
    "cc0": 9,
    "public-domain": 10,
    "cc-by-4.0": 11,
    "cc-by-sa-4.0": 12,
    "cc-by-nd-4.0": 13,
    "cc-by-nc-4.0": 14,
    "cc-by-nc-sa-4.0": 15,
    "cc-by-nc-nd-4.0": 16,
}
"""Names for flickr.photos.licenses.getInfo as recorded 2025-06-19. `cc-by` alone means each version of it."""
_LICENSE_NAMES = {number: name for name, number in LICENSES.items()}

CONTENT_TYPES: Mapping[str, int] = {"photos": 1, "screenshots": 2, "other": 3}
SAFE_SEARCH: Mapping[str, int] = {"safe": 1, "moderate": 2, "restricted": 3}


def name_license(value: object) -> str:
    """The name of a licence that Flickr tells by its number; the number itself where that has no name here."""
    number = read_number(value)
    return str(value) if number is None else _LICENSE_NAMES.get(number, str(number))
