"""Flickr's licences, as flickr.photos.licenses.getInfo was recorded on 2025-06-19. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_CC = "https://creativecommons.org/licenses"


class License(NamedTuple):
    """What Flickr calls a licence, and where its terms are."""

    name: str | None
    url: str | None


LICENSES: Mapping[int, License] = {
    0: License(
        "All Rights Reserved",
        "https://www.flickrhelp.com/hc/en-us/articles/10710266545556-Using-Flickr-images-shared-by-other-members",
    ),
    1: License("CC BY-NC-SA 2.0", f"{_CC}/by-nc-sa/2.0/"),
    2: License("CC BY-NC 2.0", f"{_CC}/by-nc/2.0/"),
    3: License("CC BY-NC-ND 2.0", f"{_CC}/by-nc-nd/2.0/"),
    4: License("CC BY 2.0", f"{_CC}/by/2.0/"),
    5: License("CC BY-SA 2.0", f"{_CC}/by-sa/2.0/"),
    6: License("CC BY-ND 2.0", f"{_CC}/by-nd/2.0/"),
    7: License("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    8: License("United States Government Work", "https://www.usa.gov/government-copyright"),
    9: License("Public Domain Dedication (CC0)", "https://creativecommons.org/publicdomain/zero/1.0/"),
    10: License("Public Domain Mark", "https://creativecommons.org/publicdomain/mark/1.0/"),
    11: License("CC BY 4.0", f"{_CC}/by/4.0/"),
    12: License("CC BY-SA 4.0", f"{_CC}/by-sa/4.0/"),
    13: License("CC BY-ND 4.0", f"{_CC}/by-nd/4.0/"),
    14: License("CC BY-NC 4.0", f"{_CC}/by-nc/4.0/"),
    15: License("CC BY-NC-SA 4.0", f"{_CC}/by-nc-sa/4.0/"),
    16: License("CC BY-NC-ND 4.0", f"{_CC}/by-nc-nd/4.0/"),
}
"""Ids 11 to 16 stand in no list before 2025. The names were others before, as `Attribution License`."""
