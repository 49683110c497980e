"""Ends a run: writes the manifest and the outcome, and tells the observer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from harvester.archive.checkpoint.claims import tell_claims
from harvester.archive.checkpoint.state import State
from harvester.archive.comparison import read_difference, write_difference
from harvester.archive.disk.files import remove_files
from harvester.archive.folder import (
    ERRORS,
    MANIFEST,
    count_lists,
    is_told_complete,
    is_told_in_parts,
    write_errors,
    write_manifest,
)
from harvester.archive.incomplete import find_incomplete, list_notes, write_incomplete
from harvester.archive.parts.part import Part
from harvester.archive.sinks import PHOTOS
from harvester.engine.identity import tell_login
from harvester.engine.outcome import Ending, Outcome, RunFacts, decide, list_sentences
from harvester.engine.output import Output
from harvester.engine.run_start import names_photos
from harvester.errors import Status, Summary
from harvester.events import Ended, Noticed, Observer, PartClosed, Tally
from harvester.filesystem.limitations import LIMITATIONS
from harvester.jobs.model import Job

NOTHING_ELSE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Halt:
    """The state in which a run has stopped."""

    is_stop_asked: bool
    is_read: bool = False
    """The listing, or the input, was read to its end."""
    is_through: bool = False
    """No error has ended it."""


class RunEnd:
    """Writes down and tells how a run has ended."""

    def __init__(
        self,
        job: Job,
        *,
        state: State,
        output: Output,
        tally: Tally,
        observer: Observer,
        told: Mapping[str, Any] = NOTHING_ELSE,
    ) -> None:
        """`told` are further facts for the manifest."""
        self._job = job
        self._told = told
        self._state = state
        self._output = output
        self._tally = tally
        self._observer = observer

    def withdraw(self) -> None:
        """What was asked cannot be meant, and has brought nothing: the corrected query may begin here."""
        begun = self._state.files().keys() - {PHOTOS}
        with self._state.changing():
            self._state.forget()
        if self._output.folder is not None:
            remove_files(self._output.folder / name for name in (*begun, MANIFEST))

    def keep(self, halt: Halt) -> Outcome:
        """Whatever ended the run: write down what is known. How it ended is decided here, once."""
        state, source = self._state, self._job.source
        with state.changing():
            is_input_read = names_photos(self._job) and halt.is_read
            unread = False if is_input_read else state.facts.unread
            state.note(replace(state.facts, unread=unread, expected=self._tally.expected))
            write_difference(source, state)
            write_incomplete(source, state)
            ending = self._sum_up(halt)
            outcome = decide(ending)
            state.note(replace(state.facts, finished=outcome.is_finished))
        if ending.is_whole and not ending.is_update:  # an update's is deleted when it is merged
            state.shrink()
        if self._output.archive is not None and not outcome.is_cut_short:
            write_errors(self._output.archive, state)
        self._write_manifest(outcome)
        return outcome

    def judge(self, halt: Halt) -> Outcome:
        """How a run ended whose end is written down already."""
        return decide(self._sum_up(halt))

    def _sum_up(self, halt: Halt) -> Ending:
        state, limit = self._state, self._job.limit
        return Ending(
            is_stop_asked=halt.is_stop_asked,
            is_whole=state.is_whole() and not state.facts.unread,
            is_read=halt.is_read,
            is_through=halt.is_through,
            is_limit_reached=limit is not None and self._tally.written >= limit,
            has_failures=next(state.failures(), None) is not None,
            has_incomplete=bool(find_incomplete(self._job.source, state)),
            is_update=state.is_update,
        )

    def _write_manifest(self, outcome: Outcome) -> None:
        if self._output.folder is None:
            return
        # The folder of an update may hold the manifest of an earlier one, whose files were others.
        renewed = (PHOTOS, *self._state.files()) if self._state.is_update else ()
        facts = self._describe()
        write_manifest(self._output.folder, self._state, status=outcome.status, facts=facts, renewed=renewed)

    def _describe(self) -> dict[str, Any]:
        counts = {
            **count_lists(self._state),
            "photos": self._tally.written,
            "reported": self._tally.expected,
            "failed": sum(1 for _ in self._state.failures()),
        }
        return {
            "counts": counts,
            "last_run": {"calls": self._tally.calls, "seconds": round(self._tally.seconds, 1)},
            **self._told,
        }

    def conclude(self, outcome: Outcome) -> Summary:
        """Tell how it ended, with what a person should know."""
        told, folder = self._find_told(), self._output.folder
        is_claimed = outcome.status == "complete" and folder is not None and not self._state.is_update
        claims = tell_claims(self._job.source, self._state, folder) if is_claimed and folder is not None else ()
        return self._end(outcome.status, *list_sentences(outcome, told, claims=tuple(claims)))

    def _find_told(self) -> RunFacts:
        state, source, archive = self._state, self._job.source, self._output.archive
        difference, facts = read_difference(state), state.facts
        return RunFacts(
            source=source,
            is_update=state.is_update,
            is_signed=bool(facts.signed),
            errors=archive / ERRORS if archive else None,
            written=self._tally.written,
            failed=self._tally.failed,
            bad_input=self._tally.bad_input,
            unfetched=state.count_unfetched(),
            notes=tuple(facts.notes or ()),
            incomplete=tuple(list_notes(find_incomplete(source, state), state)),
            is_unread=bool(facts.unread),
            difference=difference.sentence if difference else "",
            login=tell_login(state, source),
        )

    def pass_over(self, *, is_stop_asked: bool) -> Summary:
        """End a run of an archive that is complete already: nothing is done."""
        folder, calls = self._output.folder, self._tally.calls
        if folder is not None and not (is_told_complete(folder) and is_told_in_parts(folder, self._state)):
            self.keep(Halt(is_stop_asked, is_through=True))
        if self._state.is_update:
            return self._end("complete")
        told = f"This archive is complete already{'.' if calls else ': no call was made.'}"
        news = f" `harvester update {folder}` brings what is new since." if folder else ""
        difference = read_difference(self._state)
        return self._end("complete", told + news, *([difference.sentence] if difference else []))

    def _end(self, status: Status, *notes: str) -> Summary:
        tally = self._tally
        tell_limitations(self._observer)
        summary = Summary(
            status=status,
            photos=tally.written,
            new=tally.new,
            calls=tally.calls,
            retries=tally.retries,
            refused=tally.refused,
            failed=tally.failed,
            bad_input=tally.bad_input,
            seconds=tally.seconds,
            expected=tally.expected,
            output=self._output.archive,
            lists=count_lists(self._state),
            notes=notes,
        )
        self._observer(Ended(summary=summary))
        return summary


def tell_parts(closed: Sequence[Part], observer: Observer) -> None:
    """Tell of parts that were closed."""
    for part in closed:
        observer(PartClosed(name=part.name, lines=part.lines, bytes=part.bytes))


def tell_limitations(observer: Observer) -> None:
    """Say what the file system refuses and what is done without; each sentence once."""
    for sentence in LIMITATIONS.take():
        observer(Noticed(sentence=sentence))
