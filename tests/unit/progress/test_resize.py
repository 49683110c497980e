"""A terminal that becomes narrower, and wraps anew what is on it, keeps no line of the live display."""

from __future__ import annotations

import pytest

from harvester.events import Noticed
from harvester.progress.forms import Notices
from harvester.progress.gauge import Snapshot
from harvester.progress.live import Live, open_console
from support.terminal import Terminal

NOW = 1_764_000_000.0


def read(photos: int) -> Snapshot:
    return Snapshot(
        photos=photos, expected=27_400, calls=2 * photos, calls_left=None, retries=3, refused=2, failed=0, seconds=5.0,
        photos_per_second=2.44, seconds_left=6240.0, wait=None, doing="reading lists, 37 to go",
    )  # fmt: skip


@pytest.mark.parametrize("widths", [(100, 40), (100, 60, 30), (40, 100, 33), (80, 79), (30, 100)])
def test_a_resize_leaves_no_stale_line(widths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(widths[0])
    console = open_console(terminal)
    monkeypatch.setattr(type(console), "width", property(lambda _: terminal.width))
    notices = Notices(verbose=False, wall=lambda: NOW)
    live = Live(console, notices=notices, quota=None, again=None, wall=lambda: NOW)
    live.tell(Noticed(sentence="First."))
    for number, width in enumerate(widths):
        if number:
            terminal.resize(width)
        live.show(read(1000 + number))
        assert "".join(terminal.shown).count("of about") == 1
        assert f"1,00{number} of about" in "".join(terminal.shown)
    terminal.resize(25)
    live.say("Last.")
    live.close()
    assert terminal.shown == ["First.", "Last."]
