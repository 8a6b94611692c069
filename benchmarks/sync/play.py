"""Plays the trace for one strategy in the trace's own time, and measures calls, freshness and what is wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.sync.stage import Row, Stage
from benchmarks.sync.trace import Change, Chapter, Kind, Side

#: What a strategy is allowed on top of the freshness: the trace's clock ticks in whole seconds.
_TICK_SECONDS = 1.0


class Strategy(Protocol):
    """A way to keep two sides in step. Times are the stage's seconds."""

    name: str
    says: str

    def import_rows(self) -> None:
        """Take over everything there is."""
        ...

    def edit(self, change: Change) -> None:
        """Somebody changes a row here."""
        ...

    def next_at(self) -> float | None:
        """When there is something to do without anything happening; None when never."""
        ...

    def work(self) -> None:
        """Do what is due now."""
        ...

    def end_day(self) -> None:
        """What is done once a day."""
        ...

    def rows(self, numbers: Iterable[int]) -> dict[int, Row | None]:
        """What is held here; None where the row is gone."""
        ...


@dataclass
class Figures:
    """What one chapter took. `late` changes were on the other side after the freshness."""

    calls: int
    edits: int
    late: int = 0
    missed: int = 0
    worst_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "edits": self.edits,
            "late": self.late,
            "missed": self.missed,
            "worst_seconds": round(self.worst_seconds, 1),
        }


@dataclass
class Played:
    """One strategy's whole trace."""

    import_calls: int
    import_seconds: float
    chapters: dict[str, Figures] = field(default_factory=dict)
    wrong_here: int = 0
    wrong_there: int = 0
    refused_for_budget: int = 0
    by_endpoint: dict[str, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return self.import_calls + sum(figures.calls for figures in self.chapters.values())

    @property
    def missed_or_wrong(self) -> int:
        missed = sum(figures.missed for figures in self.chapters.values())
        return missed + self.wrong_here + self.wrong_there


def play(stage: Stage, strategy: Strategy, chapters: Iterable[Chapter]) -> Played:
    """Import, then every chapter, then compare both sides with the truth."""
    strategy.import_rows()
    played = Played(import_calls=stage.calls(), import_seconds=stage.now)
    stage.begin()
    for place, chapter in enumerate(chapters := list(chapters)):
        is_last = place == len(chapters) - 1
        played.chapters[chapter.name] = _Chapter(stage, strategy, chapter).play(is_last=is_last)
    numbers = range(len(stage.page_ids))
    here = strategy.rows(numbers)
    played.wrong_here = sum(here[number] != stage.truth[number] for number in numbers)
    played.wrong_there = sum(stage.row_there(number) != stage.truth[number] for number in numbers)
    played.refused_for_budget = stage.refused_for_budget()
    played.by_endpoint = stage.calls_by_endpoint()
    return played


class _Chapter:
    def __init__(self, stage: Stage, strategy: Strategy, chapter: Chapter) -> None:
        self._stage = stage
        self._strategy = strategy
        self._chapter = chapter
        self._pending: dict[tuple[int, str], Change] = {}
        self._figures = Figures(calls=0, edits=0)

    def play(self, *, is_last: bool) -> Figures:
        calls_before = self._stage.calls()
        left = list(self._chapter.changes)
        while True:
            now = self._next(left)
            self._stage.set_time(now)
            while left and left[0].at <= self._stage.now:
                self._happen(left.pop(0))
            self._stage.sandbox.webhooks.deliver_due()
            self._strategy.work()
            self._settle()
            if not left and now >= self._chapter.ends_at:
                break
        if is_last:
            self._strategy.end_day()
            self._settle()
        self._figures.missed = len(self._pending)
        self._figures.calls = self._stage.calls() - calls_before
        return self._figures

    def _next(self, left: list[Change]) -> float:
        webhooks = self._stage.sandbox.webhooks
        times = [self._chapter.ends_at]
        times += [left[0].at] if left else []
        times += [at] if (at := self._strategy.next_at()) is not None else []
        if webhooks.watcher.open_windows or webhooks.waiting():
            times.append(self._stage.now + _TICK_SECONDS)
        return max(self._stage.now, min(times))

    def _happen(self, change: Change) -> None:
        self._figures.edits += 1
        self._stage.expect(change)
        if change.side is Side.THERE:
            self._stage.happen(change)
        else:
            self._strategy.edit(change)
        if change.kind in {Kind.EDIT, Kind.TRASH}:
            self._pending[change.row, change.field] = change

    def _settle(self) -> None:
        """Find out which changes have arrived on the other side, and how long that took."""
        if not self._pending:
            return
        here = self._strategy.rows({row for row, _ in self._pending})
        for key, change in list(self._pending.items()):
            held = here[change.row] if change.side is Side.THERE else self._stage.row_there(change.row)
            has_arrived = held is None if change.kind is Kind.TRASH else _value(held, change) == change.value
            if has_arrived:
                seconds = self._stage.now - change.at
                self._figures.worst_seconds = max(self._figures.worst_seconds, seconds)
                self._figures.late += self._stage.now > change.deadline + _TICK_SECONDS
                del self._pending[key]


def _value(row: Row | None, change: Change) -> object:
    return row.get(change.field) if row is not None else None
