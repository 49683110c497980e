"""When photos that a search no longer shows count as having left it."""

from __future__ import annotations

import pytest

from harvester.archive.checkpoint.facts import Withheld
from harvester.archive.withheld import judge_withheld, tell_withheld

HALF_A_DAY = 12 * 60 * 60
KNOWN: Withheld = {"count": 300, "since": 1_700_000_000}


@pytest.mark.parametrize(
    ("count", "known", "after", "is_resumed", "since"),
    [
        (0, None, 0, False, None),
        (0, KNOWN, 60, False, None),  # the search shows them again
        (300, None, 60, False, 60),  # the first time
        (300, KNOWN, HALF_A_DAY - 1, False, 0),
        (300, KNOWN, HALF_A_DAY, False, None),
        (200, KNOWN, HALF_A_DAY, False, None),  # some came back, the others have left
        (300, KNOWN, HALF_A_DAY, True, 0),  # its listing may be days old
        (301, KNOWN, HALF_A_DAY, False, HALF_A_DAY),  # more than were missed before: this may be another failure
        (300, KNOWN, -HALF_A_DAY, False, 0),  # a clock that went back
    ],
)
def test_they_are_kept_until_they_are_missed_half_a_day_later(
    count: int, known: Withheld | None, after: int, is_resumed: bool, since: int | None
) -> None:
    found = judge_withheld(count, known, now=KNOWN["since"] + after, is_resumed=is_resumed)
    assert found == (None if since is None else {"count": count, "since": KNOWN["since"] + since})


def test_the_sentence_says_what_is_kept_until_when_and_what_to_do() -> None:
    assert tell_withheld({"count": 1, "since": 1_700_000_000}, "x") == (
        "1 photo of the archive no longer comes, though it is at Flickr as before: that is more than usually leave at "
        "once, and new ones may be kept back too. `harvester update x` looks again; from 2023-11-15 10:13 (UTC) on, "
        "what still does not come counts as having left."
    )
