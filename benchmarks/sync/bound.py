"""The least calls any strategy could do with: computed from the trace, without looking at an engine; pure.

There is no call that reads rows by their ids, none that writes two, and events carry no values. So every distinct row
that has changed there within the freshness has to come in a page of at most 100 rows, and every row that has changed
here needs a write; the answer to a write shows the whole row, so it is a read as well.

Events may be lost, for good, and say of a row in the trash only that something took it away. Whoever believes every
event gets by with the *least*. Whoever wants to miss nothing looks at each table at least every fifteen minutes, unless
a reading has just shown it, and asks once for each row that is said to be gone: that is the *careful* least.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.sync.trace import Change, Chapter, Kind, Side

PAGE_ROWS: Final = 100
#: A lost event is made up for after this long at the latest.
LOOK_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Least:
    """The least calls of a chapter, for whoever believes every event and for whoever misses nothing."""

    calls: int
    careful: int


@dataclass
class _Write:
    """A write of one row that cannot be saved: it may be made between the last edit it brings and its deadline."""

    row: int
    after: float
    until: float


def import_calls(rows_by_source: Sequence[int], people: int) -> int:
    """Finding the tables, who we are, their columns, the people, and every row in pages of 100."""
    pages = sum(max(1, math.ceil(rows / PAGE_ROWS)) for rows in rows_by_source)
    return 1 + 1 + len(rows_by_source) + max(1, math.ceil(people / PAGE_ROWS)) + pages


def least_calls(chapters: Iterable[Chapter], *, quiet_tables: int = 0) -> dict[str, Least]:
    """The least calls of each chapter, every change on the other side in time.

    `quiet_tables`: those in which nothing happens, beside the one with the rows of the trace.
    """
    least: dict[str, Least] = {}
    seen_at = [0.0] * (1 + quiet_tables)
    for chapter in chapters:
        writes = _writes(chapter.changes)
        reads = _reads(chapter.changes, writes)
        calls = len(writes) + sum(pages for _, pages in reads)
        calls += sum(change.kind is Kind.COLUMNS for change in chapter.changes)
        gone = sum(change.kind is Kind.TRASH for change in chapter.changes)
        looks, seen_at[0] = _looks(seen_at[0], [at for at, _ in reads], chapter.ends_at)
        for table in range(1, 1 + quiet_tables):
            more, seen_at[table] = _looks(seen_at[table], [], chapter.ends_at)
            looks += more
        least[chapter.name] = Least(calls, calls + looks + gone)
    return least


def _looks(seen_at: float, reads: Iterable[float], until: float) -> tuple[int, float]:
    """How often a table has to be looked at beside its readings, and when it was seen last."""
    looks = 0
    for at in (*reads, until):
        while seen_at + LOOK_SECONDS < at:
            looks, seen_at = looks + 1, seen_at + LOOK_SECONDS
        if at < until:
            seen_at = at
    return looks, seen_at


def _writes(changes: Iterable[Change]) -> list[_Write]:
    """As few as the freshness allows: each waits for what may go along."""
    by_row: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        if change.side is Side.HERE:
            by_row[change.row].append(change)
    writes: list[_Write] = []
    for row, edits in by_row.items():
        for edit in sorted(edits, key=lambda change: change.at):
            if writes and writes[-1].row == row and edit.at <= writes[-1].until:
                writes[-1].after = edit.at
            else:
                writes.append(_Write(row, edit.at, edit.deadline))
    return writes


def _reads(changes: Iterable[Change], writes: Iterable[_Write]) -> list[tuple[float, int]]:
    """When to read and how many pages, each as late as the first change it has to bring allows."""
    shown: dict[int, list[_Write]] = defaultdict(list)
    for write in writes:
        shown[write.row].append(write)
    waiting = [
        change
        for change in sorted(changes, key=lambda change: change.at)
        if change.side is Side.THERE and change.kind is Kind.EDIT and not _is_shown(change, shown[change.row])
    ]
    reads: list[tuple[float, int]] = []
    while waiting:
        until = waiting[0].deadline
        rows = {change.row for change in waiting if change.at <= until}
        reads.append((until, math.ceil(len(rows) / PAGE_ROWS)))
        waiting = [change for change in waiting if change.at > until]
    return reads


def _is_shown(change: Change, writes: Iterable[_Write]) -> bool:
    """Whether the answer to a write of the same row can bring the change in time."""
    return any(write.after <= change.deadline and write.until >= change.at for write in writes)
