"""How shards are cut, and how far they are, out of names alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import UsageError
from harvester.shards.names import join_lines, name_attempt, name_lines, name_split, read_attempt
from harvester.shards.shard import NARROWEST, Shard, build_stretch, halve, parse_shard
from harvester.shards.tree import Leaf, Marks, find_fault, find_leaves, is_within, read_marks

seconds = st.integers(0, 4_000_000_000)
stretches = st.tuples(seconds, seconds).map(lambda pair: build_stretch(min(pair), max(pair)))
shards = st.one_of(
    stretches,
    st.sampled_from([Shard(kind="lists"), Shard(kind="all")]),
    st.builds(lambda n: Shard(kind="ids", number=n, sha=f"{n:016x}"), st.integers(1, 999_999_999)),
)


@given(shards)
def test_an_id_says_all_of_a_shard(shard: Shard) -> None:
    assert parse_shard(shard.id) == shard


@pytest.mark.parametrize("text", ["", "time-1-2", "time-0000000002-0000000001", "ids-1-ff", "lists/..", "../all"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no shard"):
        parse_shard(text)


@given(stretches)
def test_halves_are_the_whole_and_wide_enough(shard: Shard) -> None:
    halves = halve(shard)
    if halves is None:
        assert shard.until - max(shard.since, 1_076_371_200) + 1 < 2 * NARROWEST or shard.until - shard.since < 7200
        return
    older, newer = halves
    assert (older.since, newer.until) == (shard.since, shard.until)
    assert older.until + 1 == newer.since
    assert all(half.until - half.since + 1 >= NARROWEST for half in halves)


def cut(root: Shard, choices: list[bool]) -> set[str]:
    """The marks of shards that were cut, by these choices."""
    marks, open_shards = set[str](), [root]
    for choice in choices:
        if not open_shards:
            break
        shard = open_shards.pop(0)
        halves = halve(shard)
        if choice and halves is not None:
            marks.add(shard.id)
            open_shards += halves
    return marks


@given(stretches, st.lists(st.booleans(), max_size=60), st.data())
def test_whatever_is_cut_and_committed_the_leaves_tile_the_root(
    root: Shard, choices: list[bool], data: st.DataObject
) -> None:
    splits = cut(root, choices)
    commits = set(data.draw(st.lists(st.sampled_from(sorted(splits)), max_size=5))) if splits else set()
    marks = Marks(splits=frozenset(splits), commits=frozenset(commits))
    leaves = [leaf.shard for leaf in find_leaves([root.id], marks)]
    assert find_fault(leaves, [root.id]) == ""
    assert leaves == sorted(leaves, key=lambda shard: -shard.since)
    assert find_leaves([root.id], marks, newest_first=False) == find_leaves([root.id], marks)[::-1]
    if len(leaves) > 1:
        dropped = data.draw(st.integers(0, len(leaves) - 1))
        assert find_fault([*leaves[:dropped], *leaves[dropped + 1 :]], [root.id]) != ""
        assert find_fault([*leaves, leaves[dropped]], [root.id]) != ""


ROOT = build_stretch(1_300_000_000, 1_400_000_000)


def test_a_mark_that_comes_late_does_not_take_a_commit_back() -> None:
    committed = Leaf(shard=ROOT, attempt=2, is_committed=True)
    keys = [f"commits/{ROOT}", name_attempt(ROOT, 2), name_attempt(ROOT, 1)]
    assert find_leaves([ROOT.id], read_marks(keys)) == [committed]
    assert find_leaves([ROOT.id], read_marks([*keys, name_split(ROOT)])) == [committed]


def test_a_commit_that_comes_late_leaves_what_is_complete_complete() -> None:
    halves = halve(ROOT)
    assert halves is not None
    keys = [name_split(ROOT), *(f"commits/{half}" for half in halves)]
    assert all(leaf.is_committed for leaf in find_leaves([ROOT.id], read_marks(keys)))
    assert all(leaf.is_committed for leaf in find_leaves([ROOT.id], read_marks([*keys, f"commits/{ROOT}"])))


def test_names_that_say_nothing_are_passed_over() -> None:
    assert read_marks(["plan.json", "parts/all/0001/x", "attempts/all", "attempts/all/x", "ids/y"]) == Marks()
    assert read_attempt("attempts/all/0012") == ("all", 12)


def test_shards_that_are_no_stretches_must_be_there_once_each() -> None:
    ranges = [Shard(kind="ids", number=n, sha=f"{n:016x}") for n in (1, 2)]
    roots = [shard.id for shard in ranges]
    assert find_fault(ranges, roots) == ""
    assert "ids-000002" in find_fault(ranges[:1], roots)
    assert "ids-000001" in find_fault([*ranges, ranges[0]], roots)
    assert "no part" in find_fault([*ranges, ROOT], roots)


def test_a_piece_is_within_what_it_was_cut_from() -> None:
    halves = halve(ROOT)
    assert halves is not None
    assert all(is_within(half, ROOT) for half in halves)
    assert not is_within(ROOT, halves[0])
    assert is_within(Shard(kind="lists"), Shard(kind="lists"))
    assert not is_within(Shard(kind="lists"), ROOT)


def test_published_lines_of_an_attempt_count_as_far_as_they_follow_each_other() -> None:
    def key(attempt: int, begin: int, end: int) -> str:
        return name_lines(ROOT, attempt, begin=begin, end=end, sha256=f"{begin:064x}")

    keys = [
        key(1, 0, 5),
        key(2, 40, 50),
        key(1, 0, 10),
        key(1, 20, 30),
        key(2, 50, 60),
        key(1, 10, 15),
        "parts/x/0001/state.zst",
    ]
    assert [(lines.attempt, lines.begin, lines.end) for lines in join_lines(keys)] == [
        (1, 0, 10),
        (1, 10, 15),
        (2, 40, 50),
        (2, 50, 60),
    ]
