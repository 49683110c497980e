"""Bars and sparklines say no more than is true, in as many places as there are."""

from __future__ import annotations

import pytest

from harvester.text.bars import can_draw, draw_bar, draw_spark, draw_strip


@pytest.mark.parametrize(
    ("share", "bar", "plain"),
    [
        (0, "          ", "----------"),
        (0.001, "▏         ", "----------"),
        (0.5, "█████     ", "#####-----"),
        (0.999, "█████████▉", "#########-"),
        (1, "██████████", "##########"),
        (7, "██████████", "##########"),
        (-1, "          ", "----------"),
    ],
)
def test_a_bar_is_full_only_where_all_is_there(share: float, bar: str, plain: str) -> None:
    assert draw_bar(share, width=10) == bar
    assert draw_bar(share, width=10, is_plain=True) == plain


def test_a_strip_is_black_only_where_all_was_read() -> None:
    assert draw_strip([0, 0.01, 0.5, 0.99, 1], width=5) == " ░▒▓█"
    assert draw_strip([0, 0.01, 0.5, 0.99, 1], width=5, is_plain=True) == " .-+#"
    assert draw_strip([1] * 119 + [0], width=10) == "█████████▓"


def test_a_spark_has_a_column_for_each_value_and_for_each_few_where_there_are_many() -> None:
    assert draw_spark([0, 1, 4, 8], width=10) == " ▂▅█"
    assert draw_spark([0, 1, 4, 8], width=10, is_plain=True) == " .+@"
    assert draw_spark([0, 0], width=10) == "  "
    assert draw_spark([], width=10) == ""
    assert len(draw_spark(list(range(1000)), width=40)) == 40


@pytest.mark.parametrize(
    ("encoding", "is_good"), [("utf-8", True), ("ascii", False), ("latin-1", False), (None, False)]
)
def test_an_encoding_without_the_marks_is_known(encoding: str | None, *, is_good: bool) -> None:
    assert can_draw(encoding) is is_good
    assert can_draw("no such") is False
