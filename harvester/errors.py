"""What can go wrong, by what the caller can do about it.

HarvestError
├── TryLater     the same call may work later: 429, 5xx, reset, timeout, half an answer, "stat": "fail" 105
├── Refused      Flickr refuses this one thing for good: give up this photo, go on with the next
├── GivenUp      so many tries failed that this photo is left for the next run
├── Stopped      a wait was cut short because the run is to end
├── Incomplete   a harvest from Python ended without all of its photos
└── StopRun      the run cannot go on; it ends with the exit code that says why
    ├── UsageError    2  an option, a setting or a name is wrong
    ├── Unreachable   3  nothing answers at the API's address
    ├── OutcomeUnknown  3  a call that writes was sent, and its answer was lost
    ├── KeyRefused    4  Flickr refuses the key or the token
    ├── StoreFault    2, 3, 4, 5  a shared folder or an object store cannot be used
    └── CannotWrite   5  disk full, no permission
        └── ArchiveBusy  another process, or another harvest, is at work in the archive

Exceptions of the libraries are translated once, where they arise, and never chained: aiohttp's carry the
URL, and the URL carries the key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Literal, TypeAlias


class Exit(IntEnum):
    """Exit codes of the command line."""

    COMPLETE = 0
    UNEXPECTED = 1
    USAGE = 2
    INCOMPLETE = 3
    KEY_REFUSED = 4
    CANNOT_WRITE = 5
    INTERRUPTED = 130
    TERMINATED = 143


def shorten(text: str, *, most: int = 100) -> str:
    """The text as sentences show it: a long one is cut in the middle, since both ends may tell it from another."""
    return text if len(text) <= most else f"{text[: most * 2 // 3]} … {text[-(most // 4) :]}"


def show(value: object) -> str:
    """A value that was given, in quotes, as sentences show it."""
    return repr(shorten(value)) if isinstance(value, str) else shorten(repr(value))


class HarvestError(Exception):
    """Base of all errors of this package; its text is one sentence that says what is wrong and what to do."""

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Change all text that the error holds, as by taking secrets out of it."""
        self.args = tuple(change(arg) if isinstance(arg, str) else arg for arg in self.args)


def unchain(error: BaseException) -> None:
    """Let go of what an error of this package arose from, and of what `from None` hides, in the error and its causes.

    Exceptions of libraries may hold an address, and an address holds the key: so no traceback can show it.
    """
    if isinstance(error, HarvestError):
        error.__cause__ = error.__context__ = None
    if error.__suppress_context__:
        error.__context__ = None
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *inner):
        if other is not None:
            unchain(other)


class TryLater(HarvestError):
    """The same call may work later.

    `retry_after` is the wait in seconds that the server asked for, None where it did not ask. `refusal` is
    true where the server itself said "not now" (429, 503, code 105), which concerns every worker at once.
    `unreached` is true where nothing that looks like Flickr answered: connection refused, name unknown.
    `foreign` is true where something answered, but not as Flickr's API does: 403, 404, a web page.
    `astray` is true where the answer belongs to another question.
    `undone` is true where the call has certainly done nothing: it did not arrive, or its signature was refused.
    """

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: float | None = None,
        refusal: bool = False,
        unreached: bool = False,
        foreign: bool = False,
        astray: bool = False,
        undone: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.refusal = refusal
        self.unreached = unreached
        self.foreign = foreign
        self.astray = astray
        self.undone = undone or unreached

    @property
    def kind(self) -> Literal["busy", "unreached", "foreign", "broken"]:
        """What went wrong, in a word."""
        if self.refusal:
            return "busy"
        if self.unreached:
            return "unreached"
        return "foreign" if self.foreign else "broken"


class Refused(HarvestError):
    """Flickr refuses this one thing for good; `code` and `message` are Flickr's own.

    `method` is named in the sentence where it is told.
    """

    def __init__(self, code: int, message: str, *, method: str | None = None) -> None:
        what = f"Flickr refused {method}" if method else "Flickr refuses"
        super().__init__(f"{what}: {message.rstrip('.')} (code {code}).")
        self.code = code
        self.message = message

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Change Flickr's message, too."""
        super().rewrite(change)
        self.message = change(self.message)


class GivenUp(HarvestError):
    """One call failed time and again while others worked; `attempts` says how often."""

    def __init__(self, sentence: str, *, attempts: int) -> None:
        super().__init__(sentence)
        self.attempts = attempts


class Stopped(HarvestError):
    """A wait was cut short because the run is to end."""


Status: TypeAlias = Literal["complete", "incomplete", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a run ended. Seconds are those of the run; counts of photos are the archive's."""

    status: Status
    photos: int
    new: int
    calls: int
    retries: int
    refused: int
    failed: int
    seconds: float
    expected: int | None
    output: Path | None
    bad_input: int = 0
    lists: Mapping[str, int] = field(default_factory=dict)
    """Lines of the archive's other files, by name: sets, collections, galleries and the like."""
    is_update: bool = False
    notes: tuple[str, ...] = ()
    """Sentences about what is missing or odd, for people."""

    def behind(self, earlier: Summary) -> Summary:
        """The summary of a command of several stages, of which this is the last: what was done adds up."""
        return replace(
            self,
            new=earlier.new + self.new,
            calls=earlier.calls + self.calls,
            retries=earlier.retries + self.retries,
            refused=earlier.refused + self.refused,
            bad_input=earlier.bad_input + self.bad_input,
            seconds=earlier.seconds + self.seconds,
        )

    @property
    def calls_per_photo(self) -> float | None:
        """Calls of this run for each photo that it wrote; an update asks for many that it need not write."""
        return self.calls / self.new if self.new and not self.is_update else None


class Incomplete(HarvestError):
    """A harvest from Python ended without all of its photos; `summary` says how, where it came to its own end."""

    def __init__(self, sentence: str, *, summary: Summary | None = None) -> None:
        super().__init__(sentence)
        self.summary = summary


class StopRun(HarvestError):
    """The run cannot go on."""

    exit_code = Exit.UNEXPECTED


class UsageError(StopRun):
    """An option, a setting or a name is wrong. `field` names it where there is one (`tag_mode`)."""

    exit_code = Exit.USAGE

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.sentence = sentence
        self.field = field

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Change the sentence, too."""
        super().rewrite(change)
        self.sentence = change(self.sentence)


class Unreachable(StopRun):
    """Nothing answers at the API's address, and nothing has since the run began."""

    exit_code = Exit.INCOMPLETE


class OutcomeUnknown(StopRun):
    """A call that writes was sent, once, and no answer tells whether Flickr has done what it asks for."""

    exit_code = Exit.INCOMPLETE

    def __init__(self, method: str, why: object) -> None:
        super().__init__(
            f"{method} was sent once, and no answer tells what came of it ({why}). It is not sent again: see at Flickr "
            "whether it was done."
        )


class KeyRefused(StopRun):
    """Flickr refuses the key or the token, or there is no login where one is needed.

    `problem` is OAuth's own word for it (`token_rejected`) where there is one.
    """

    exit_code = Exit.KEY_REFUSED

    def __init__(self, sentence: str, *, problem: str = "") -> None:
        super().__init__(sentence)
        self.problem = problem


class StoreFault(StopRun):
    """A shared folder or an object store cannot be used.

    `exit_code`: 2 it is not there, 3 it does not answer, 4 it refuses the credentials, 5 nothing can be written there.
    `is_transient` is true where the same may work later.
    """

    def __init__(self, sentence: str, *, exit_code: Exit = Exit.INCOMPLETE, is_transient: bool = False) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.is_transient = is_transient


class CannotWrite(StopRun):
    """The output cannot be written: disk full, no permission, archive in use."""

    exit_code = Exit.CANNOT_WRITE


class ArchiveBusy(CannotWrite):
    """Another harvest is at work in the archive; wait for it, or stop it."""
