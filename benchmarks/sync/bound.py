"""The least calls any strategy could do with: computed from the trace, without looking at an engine; pure.

There is no call that reads rows by their ids, none that writes two, and events carry no values. So every distinct row
that has changed there within the freshness has to come in a page of at most 100 rows, and every row that has changed
here needs a write; the answer to a write shows the whole row, so it is a read as well.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.sync.trace import FRESHNESS_SECONDS, Change, Chapter, Kind, Side

PAGE_ROWS = 100


def import_calls(rows_by_source: Sequence[int], people: int) -> int:
    """Finding the tables, who we are, their columns, the people, and every row in pages of 100."""
    pages = sum(max(1, math.ceil(rows / PAGE_ROWS)) for rows in rows_by_source)
    return 1 + 1 + len(rows_by_source) + max(1, math.ceil(people / PAGE_ROWS)) + pages


def chapter_calls(chapter: Chapter) -> int:
    """The least calls for what happens in a chapter, every change taken over within the freshness."""
    writes = _writes(chapter.changes)
    return len(writes) + _reads(chapter.changes, writes) + _columns(chapter.changes)


@dataclass
class _Write:
    """A write of one row that cannot be saved: it may be made between the last edit it brings and its deadline."""

    row: int
    after: float
    until: float


def _writes(changes: Iterable[Change]) -> list[_Write]:
    """As few as the freshness allows: each waits for what may go along."""
    by_row: dict[int, list[float]] = defaultdict(list)
    for change in changes:
        if change.side is Side.HERE:
            by_row[change.row].append(change.at)
    writes: list[_Write] = []
    for row, times in by_row.items():
        for at in sorted(times):
            if writes and writes[-1].row == row and at <= writes[-1].until:
                writes[-1].after = at
            else:
                writes.append(_Write(row, at, at + FRESHNESS_SECONDS))
    return writes


def _reads(changes: Iterable[Change], writes: Iterable[_Write]) -> int:
    """Queries, each as late as the first change it has to bring allows. A trashed row is told by its event."""
    shown: dict[int, list[_Write]] = defaultdict(list)
    for write in writes:
        shown[write.row].append(write)
    waiting = sorted(
        (change.at, change.row)
        for change in changes
        if change.side is Side.THERE and change.kind is Kind.EDIT and not _is_shown(change, shown[change.row])
    )
    calls = 0
    while waiting:
        until = waiting[0][0] + FRESHNESS_SECONDS
        calls += math.ceil(len({row for at, row in waiting if at <= until}) / PAGE_ROWS)
        waiting = [(at, row) for at, row in waiting if at > until]
    return calls


def _is_shown(change: Change, writes: Iterable[_Write]) -> bool:
    """Whether the answer to a write of the same row can bring the change in time."""
    return any(write.after <= change.at + FRESHNESS_SECONDS and write.until >= change.at for write in writes)


def _columns(changes: Iterable[Change]) -> int:
    return sum(change.kind is Kind.COLUMNS for change in changes)
