"""What a run writes down about itself: progress, groups of problems, and a log a person can follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog

from integrations.models import SyncedCollection, SyncRun, SyncRunCollection, SyncRunIssue, SyncRunLog
from integrations.sync.problems import Problem, problem_kind
from tenants.foundation.ids import uuid7

log = structlog.get_logger(__name__)

MAX_SAMPLES: Final = 10
MAX_LOG_LINES: Final = 1000
COUNTED: Final = ("done", "new", "changed", "unchanged", "archived", "failed", "calls")
#: Where a part goes on after an interruption; saved together with the counts.
PLACE: Final = ("state", "cursor", "window_start", "last_moment", "page_size", "watermark", "started_at")


@dataclass
class Counts:
    """What became of a number of records."""

    done: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    archived: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if value}

    @property
    def is_worth_telling(self) -> bool:
        """Whether anything but reading happened."""
        return bool(self.new or self.changed or self.archived or self.failed)


@dataclass
class Journal:
    """The notes of one run. The writing methods belong inside the transaction of what they tell of.

    A run that looks for changes and finds none leaves no row: it is saved with the first thing worth telling.
    """

    run: SyncRun
    parts: Sequence[SyncRunCollection] = ()
    _problems: dict[tuple[str, UUID | None], list[Problem]] = field(default_factory=dict)
    _lines: int = 0
    # While a piece is only tried nothing is saved; what it said is kept for `catch_up`.
    _is_trying: bool = False
    _unsaid: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def note(self, problem: Problem, collection: SyncedCollection | None = None) -> None:
        """Keep a problem until `flush`."""
        key = (problem.code, collection.pk if collection else None)
        self._problems.setdefault(key, []).append(problem)

    def save_run(self) -> None:
        """Make sure that the run has a row."""
        if self.run._state.adding:
            self.run.save(force_insert=True)
            SyncRunCollection.objects.bulk_create(self.parts)

    def progress(self, counts: Counts, *, calls: int, part: SyncRunCollection | None = None) -> None:
        """Add to the counts of the run and of its part."""
        for name, value in {**counts.as_dict(), "calls": calls}.items():
            setattr(self.run, name, getattr(self.run, name) + value)
            if part is not None:
                setattr(part, name, getattr(part, name) + value)
        if counts.is_worth_telling or self._problems:
            self.save_run()
        if not self.run._state.adding and not self._is_trying:
            self.run.save(update_fields=[*COUNTED, "updated_at"])
            if part is not None:
                part.save(update_fields=[*COUNTED, *PLACE])

    def count_conflicts(self, count: int) -> None:
        """Add to the conflicts of the run."""
        self.save_run()
        self.run.conflicts += count
        if not self._is_trying:
            self.run.save(update_fields=["conflicts", "updated_at"])

    def begin_trying(self) -> None:
        """From here on nothing is saved: the transaction under way will be undone."""
        self._is_trying = True

    def kept_problems(self) -> dict[tuple[str, UUID | None], list[Problem]]:
        """The problems noted and not written yet, as they are now."""
        return {key: list(problems) for key, problems in self._problems.items()}

    def put_back_problems(self, problems: Mapping[tuple[str, UUID | None], list[Problem]]) -> None:
        """Forget what was noted since: the piece it belongs to was undone and is tried again later."""
        self._problems = dict(problems)

    def forget(self, code: str) -> None:
        """Leave a kind of problem out that was noted and not written yet."""
        self._problems = {key: problems for key, problems in self._problems.items() if key[0] != code}

    def stop_trying(self) -> None:
        """What was tried has failed: from here on everything is saved again."""
        self._is_trying = False

    def catch_up(self, *, with_place: bool) -> None:
        """Inside a transaction that lasts: save what was noted and said while something was only tried.

        `with_place`: also the counts, and where the parts go on; else a new worker begins before what was tried.
        """
        self._is_trying = False
        if with_place:
            self.run.save(update_fields=[*COUNTED, "conflicts", "updated_at"])
            for part in self.parts:
                part.save(update_fields=[*COUNTED, *PLACE])
        self.flush()
        unsaid, self._unsaid = self._unsaid, []
        for message, level, context in unsaid:
            self.say(message, level=level, **context)

    def phase(self, phase: str) -> None:
        """Say what the run does now."""
        self.run.phase = phase
        if not self.run._state.adding:
            self.run.save(update_fields=["phase", "updated_at"])

    def say(self, message: str, *, level: str = SyncRunLog.Level.INFO, **context: Any) -> None:
        """Write a line of the log."""
        if self._is_trying:
            self._unsaid.append((message, level, context))
            return
        log.info("sync.run_said", run_id=self.run.pk, message=message, **context)
        if self._lines < MAX_LOG_LINES and not self.run._state.adding:
            self._lines += 1
            SyncRunLog.objects.create(run=self.run, level=level, message=message, context=_plain(context))

    def flush(self) -> None:
        """Write the problems kept so far into their groups."""
        if self._is_trying:
            return
        if self._problems:
            self.save_run()
        groups, self._problems = self._problems, {}
        for (code, collection_id), problems in groups.items():
            self._add(code, collection_id, problems)

    def _add(self, code: str, collection_id: UUID | None, problems: list[Problem]) -> None:
        kind = problem_kind(code)
        issue, _ = SyncRunIssue.objects.select_for_update().get_or_create(
            run=self.run,
            code=code,
            collection_id=collection_id,
            defaults={
                "id": uuid7(),
                "severity": kind.severity,
                "title": kind.title,
                "hint": kind.hint,
                "action": kind.action,
            },
        )
        issue.count += len(problems)
        samples = [*issue.samples, *(problem.as_sample() for problem in problems)]
        issue.samples = samples[:MAX_SAMPLES]
        issue.save(update_fields=["count", "samples", "last_at"])


def _plain(context: Mapping[str, Any]) -> dict[str, Any]:
    simple = int | float | bool
    return {name: value if isinstance(value, simple) else str(value) for name, value in context.items()}
