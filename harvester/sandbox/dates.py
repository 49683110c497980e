"""When the photos of a catalogue were uploaded, and by whom."""

from datetime import UTC, datetime
from itertools import accumulate
from random import Random

FIRST = 1_104_537_600
"""2005-01-01, the first upload there can be."""
LAST = 1_767_139_200
"""2025-12-31, the last upload of a catalogue as it is built."""

_GAPS = bytes([0] * 90 + [1] * 50 + [2] * 40 + [3] * 30 + [5] * 20 + [9] * 16 + [20] * 8 + [45] * 2)
_YEAR_ZERO = -62_167_219_200
_YEAR_1950 = -631_152_001


class Unset:
    """Taken times that are no dates, as they sort: `0000-00-00 00:00:00` and `1950-00-01 00:00:00` were seen."""

    ZERO = _YEAR_ZERO
    MONTHLESS = _YEAR_1950


def draw_uploads(
    rng: Random, *, photos: int, owners: int, even: bool, wide_second: int, busy_day: int
) -> list[tuple[int, int]]:
    """Upload second and owner number of each photo, in order of upload."""
    packed = [_pack(FIRST + (LAST - FIRST) * 3 // 5, 0)] * min(wide_second, photos)
    packed += _day(rng, owners, min(busy_day, photos - len(packed)))
    left = photos - len(packed)
    packed += _evenly(rng, left, owners) if even else _in_sessions(rng, left, owners)
    packed.sort()
    return [(code >> 16, code & 0xFFFF) for code in packed]


def mysql_date(moment: int) -> str:
    """A time as MySQL prints it."""
    if moment == Unset.ZERO:
        return "0000-00-00 00:00:00"
    if moment == Unset.MONTHLESS:
        return "1950-00-01 00:00:00"
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def parse_moment(text: str) -> int | None:
    """A Unix time or a MySQL datetime, as the API takes both; None where it is neither."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        pass
    try:
        return int(datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _pack(second: int, owner: int) -> int:
    return second << 16 | owner


def _owner(rng: Random, owners: int) -> int:
    """Few people upload much: the first owners have most."""
    return int(owners * rng.random() ** 1.8)


def _day(rng: Random, owners: int, photos: int) -> list[int]:
    start = FIRST + (LAST - FIRST) * 4 // 5
    start -= start % 86_400
    return [_pack(start + rng.randrange(86_400), _owner(rng, owners)) for _ in range(photos)]


def _evenly(rng: Random, photos: int, owners: int) -> list[int]:
    span = LAST - FIRST
    return [_pack(FIRST + span * n // photos, _owner(rng, owners)) for n in range(photos)]


def _in_sessions(rng: Random, photos: int, owners: int) -> list[int]:
    """Sessions of 3 to 900 photos, seconds apart, more of them every year."""
    packed: list[int] = []
    while len(packed) < photos:
        size = min(photos - len(packed), max(3, min(900, int(rng.lognormvariate(3.2, 1.2)))))
        start = FIRST + int((LAST - FIRST - 50_000) * rng.random() ** 0.6)
        owner = _owner(rng, owners)
        gaps = rng.randbytes(size).translate(_GAPS)
        packed += [_pack(second, owner) for second in accumulate(gaps, initial=start)][:size]
    return packed
