"""What is said to people is said in sentences."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import harvester
from harvester.errors import StopRun
from harvester.events import Failed, Retrying
from harvester.progress.forms import Notices

HOME = Path(harvester.__file__).parent
SAYING = {"note", "warn", "error", "say", "Noticed", "on_notice", "warnings"}
LEADS_ON = ":"
"""The end of what goes on in the next line: an address, a code to be typed, a job's messages."""


def subclasses(kind: type[Exception]) -> Iterator[str]:
    yield kind.__name__
    for each in kind.__subclasses__():
        yield from subclasses(each)


MESSAGES = SAYING | set(subclasses(StopRun))


def ends_of(value: ast.expr) -> Iterator[str]:
    """What a text written in the code ends with, in each of its forms; nothing where that is known at run time only."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[*_, ast.Constant(value=str(text))]):
            yield text
        case ast.JoinedStr(values=[*_, ast.FormattedValue(value=ast.Attribute() | ast.Subscript())]):
            yield ast.unparse(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from ends_of(body)
            yield from ends_of(orelse)
        case ast.BinOp(right=right):
            yield from ends_of(right)


def name_call(function: ast.expr) -> str:
    """What is called; a method only where it is the console's or the display's."""
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name, value=owner) if ast.unparse(owner).endswith(("console", "progress")):
            return name
    return ""


def sentences_of(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and name_call(node.func) in MESSAGES:
            told = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "sentence")]
            for argument in told:
                for end in ends_of(argument):
                    yield node.lineno, end


@pytest.mark.parametrize("path", sorted(HOME.rglob("*.py")), ids=lambda path: str(path.relative_to(HOME)))
def test_every_sentence_ends_with_a_full_stop(path: Path) -> None:
    open_ended = [
        f"{path.name}:{line}: {end}"
        for line, end in sentences_of(path)
        if not end.rstrip().endswith((".", "?", "!", LEADS_ON))
    ]
    assert not open_ended


def test_there_are_sentences_to_look_at() -> None:
    assert sum(len(list(sentences_of(path))) for path in HOME.rglob("*.py")) > 100


@pytest.mark.parametrize("why", ["no answer in time", "Flickr refuses: no (code 2)."])
def test_what_failed_is_told_in_a_sentence(why: str) -> None:
    notices = Notices(verbose=True, wall=lambda: 0.0)
    ended = f"{why.rstrip('.')}."
    assert notices.word(Failed(what="photo 1", why=why)) == f"Failed: photo 1: {ended}"
    assert notices.word(Retrying(method="m", why=why, seconds=1)) == f"Retrying m in 1.0 s: {ended}"
