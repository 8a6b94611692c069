"""The published trace: what happens in a workspace and here over a working day, chapter by chapter; pure.

Every strategy plays the same one. Times are seconds from the end of the import. A change is *isolated* when nothing
else happens within the freshness everybody has to keep: no strategy can save anything there, and the table says so.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

#: What was changed there has to be here within this many seconds; what was changed here, there: somebody waits.
FRESHNESS_SECONDS: Final = 60.0
FRESHNESS_OF_EDITS_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 120.0
_SEED: Final = 20260401
PRIORITIES: Final = ("P0", "P1", "P2")
_FIELDS: Final = ("title", "priority", "due", "estimate")


class Side(StrEnum):
    """Where a change is made."""

    THERE = "there"
    HERE = "here"


class Kind(StrEnum):
    """What is done to a row, or to the columns."""

    EDIT = "edit"
    UNMAPPED = "unmapped"
    TRASH = "trash"
    COLUMNS = "columns"


type Value = str | float


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `field` is title, priority, due (a day) or estimate (hours)."""

    at: float
    side: Side
    kind: Kind
    row: int = -1
    field: str = ""
    value: Value = ""

    @property
    def deadline(self) -> float:
        """When it has to be on the other side."""
        is_waited_for = self.side is Side.HERE
        return self.at + (FRESHNESS_OF_EDITS_SECONDS if is_waited_for else FRESHNESS_SECONDS)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the trace with one kind of work, `seconds` long."""

    name: str
    says: str
    begins_at: float
    seconds: float
    changes: tuple[Change, ...]

    @property
    def ends_at(self) -> float:
        return self.begins_at + self.seconds


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is; smaller for a busy machine."""

    rows: int = 10_000
    share: float = 1.0

    @classmethod
    def from_environment(cls) -> "Size":
        """BENCH_SYNC_ROWS rows to import; BENCH_SYNC_SHARE (0 to 1) of the edits."""
        rows = int(os.environ.get("BENCH_SYNC_ROWS", "10000"))
        return cls(rows, float(os.environ.get("BENCH_SYNC_SHARE", "1")))

    def of(self, count: int) -> int:
        return max(1, round(count * self.share))


class _Writer:
    """Makes changes whose values are all different, so that none can pass for another."""

    def __init__(self, size: Size) -> None:
        self.random = random.Random(_SEED)
        self.size = size
        self._made = 0
        self._rows = list(range(size.rows))
        self.random.shuffle(self._rows)

    def rows(self, count: int) -> list[int]:
        """Rows nobody has touched yet."""
        if count > len(self._rows):
            raise ValueError("The trace edits more rows than there are: raise BENCH_SYNC_ROWS.")
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken

    def edit(self, at: float, side: Side, row: int, field: str) -> Change:
        self._made += 1
        values: dict[str, Value] = {
            "title": f"Changed {side} number {self._made}",
            "priority": PRIORITIES[self._made % len(PRIORITIES)],
            "due": (date(2027, 1, 1) + timedelta(days=self._made)).isoformat(),
            "estimate": 100.0 + self._made / 4,
        }
        return Change(at, side, Kind.EDIT, row, field, values[field])

    def field(self) -> str:
        return self.random.choice(("title", "due", "estimate"))


def build(size: Size) -> list[Chapter]:
    """The chapters in their order; the same for the same size."""
    writer, begins_at, chapters = _Writer(size), _PAUSE_SECONDS, list[Chapter]()
    for name, says, make in _CHAPTERS:
        changes = tuple(sorted(make(writer, begins_at), key=lambda change: change.at))
        last = max((change.at for change in changes), default=begins_at + 1800.0)
        chapter = Chapter(name, says, begins_at, last - begins_at + _PAUSE_SECONDS, changes)
        chapters.append(chapter)
        begins_at = chapter.ends_at
    return chapters


def _idle(writer: _Writer, begins_at: float) -> Iterator[Change]:
    yield from ()


def _isolated(writer: _Writer, begins_at: float, side: Side, count: int) -> Iterator[Change]:
    at = begins_at
    for row in writer.rows(writer.size.of(count)):
        yield writer.edit(at, side, row, writer.field())
        at += FRESHNESS_SECONDS + writer.random.uniform(2, 10)


def _isolated_there(writer: _Writer, begins_at: float) -> Iterator[Change]:
    return _isolated(writer, begins_at, Side.THERE, 100)


def _isolated_here(writer: _Writer, begins_at: float) -> Iterator[Change]:
    return _isolated(writer, begins_at, Side.HERE, 60)


def _bursts_there(writer: _Writer, begins_at: float) -> Iterator[Change]:
    for burst in range(5):
        for row in writer.rows(writer.size.of(50)):
            at = begins_at + burst * 180 + writer.random.uniform(0, 2)
            yield writer.edit(at, Side.THERE, row, writer.field())


def _sessions_there(writer: _Writer, begins_at: float) -> Iterator[Change]:
    for session, row in enumerate(writer.rows(writer.size.of(20))):
        for step, field in enumerate(_FIELDS):
            yield writer.edit(begins_at + session * 70 + step * 2.0, Side.THERE, row, field)


def _triage_here(writer: _Writer, begins_at: float) -> Iterator[Change]:
    at = begins_at
    for row in writer.rows(writer.size.of(55)):
        for step, field in enumerate(_FIELDS):
            yield writer.edit(at + step * 0.4, Side.HERE, row, field)
        at += 5.0


def _both(writer: _Writer, begins_at: float) -> Iterator[Change]:
    for place, row in enumerate(writer.rows(writer.size.of(20))):
        at, first = begins_at + place * 70, place % 2 == 0
        yield writer.edit(at + (0 if first else 8), Side.THERE, row, "title")
        yield writer.edit(at + (4 if first else 0), Side.HERE, row, "due")


def _unmapped(writer: _Writer, begins_at: float) -> Iterator[Change]:
    for place, row in enumerate(writer.rows(writer.size.of(50))):
        yield Change(begins_at + place * 10.0, Side.THERE, Kind.UNMAPPED, row)


def _columns(writer: _Writer, begins_at: float) -> Iterator[Change]:
    yield Change(begins_at, Side.THERE, Kind.COLUMNS)
    # A row of the new form, so that everybody has something to take over that only the new columns explain.
    yield writer.edit(begins_at + 200, Side.THERE, writer.rows(1)[0], "title")


def _trashed(writer: _Writer, begins_at: float) -> Iterator[Change]:
    for place, row in enumerate(writer.rows(writer.size.of(10))):
        yield Change(begins_at + place * 2.0, Side.THERE, Kind.TRASH, row)


_CHAPTERS: Final = (
    ("isolated_there", "100 edits there, each alone within the freshness.", _isolated_there),
    ("bursts_there", "5 times somebody changes 50 rows at once: 250 edits.", _bursts_there),
    ("idle", "Half an hour in which nothing happens.", _idle),
    ("sessions_there", "20 rows, 4 columns of each within 6 seconds: 80 edits.", _sessions_there),
    ("unmapped_there", "50 edits of a column nobody takes over.", _unmapped),
    ("isolated_here", "60 edits here, each alone within the freshness.", _isolated_here),
    ("triage_here", "55 tasks, 4 fields of each within 1.2 seconds: 220 edits.", _triage_here),
    ("both_sides", "20 rows edited there and here within 8 seconds, different fields.", _both),
    ("columns", "A column is renamed and one is added, then a row is edited.", _columns),
    ("trashed_there", "10 rows go into the trash.", _trashed),
)
