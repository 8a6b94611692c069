"""The course of one invented task: when it was written, how far it is, when it was done. Holds no words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

HISTORY_DAYS = 98
"""Fourteen weeks of history, so that weekly charts have something to show."""

PLANNED, IN_PROGRESS, IN_REVIEW, BLOCKED, DONE, CANCELLED = (
    "planned",
    "in_progress",
    "in_review",
    "blocked",
    "done",
    "cancelled",
)
OPEN = frozenset({PLANNED, IN_PROGRESS, IN_REVIEW, BLOCKED})

_PRIORITIES = ("none", "low", "medium", "high", "urgent")
_PRIORITY_WEIGHTS = (9, 20, 41, 22, 8)
_BLOCKED_SHARE = 0.25
"""Share of the open tasks that wait for another one: about 6 % of all tasks."""


@dataclass(frozen=True, slots=True)
class Life:
    """The course of one task; all moments are UTC and whole minutes, `hours` is the estimate."""

    status: str
    priority: str
    created_at: datetime
    edited_at: datetime
    completed_at: datetime | None
    starts_on: date | None
    due_on: date | None
    hours: float | None

    @property
    def is_open(self) -> bool:
        """True while nobody has finished or dropped it."""
        return self.status in OPEN


def reference_moment(now: datetime) -> datetime:
    """Return the last midnight: the invented history runs up to it, so that one day gives one history."""
    return datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)


def _at_work(moment: datetime, random: Random) -> datetime:
    """Move a moment into office hours, and most weekend moments to the Friday before."""
    if moment.weekday() >= 5 and random.random() < 0.88:
        moment -= timedelta(days=moment.weekday() - 4)
    hour = min(18, max(6, round(random.gauss(11.5, 2.8))))
    return moment.replace(hour=hour, minute=random.randrange(60), second=0, microsecond=0)


def _work_day(day: date) -> date:
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= 5 else day


def _due_of_open(random: Random, created: date, today: date) -> date:
    """Return a due date: one in seven open tasks is late, the others are due in the coming weeks."""
    if random.random() < 0.14:
        due = today - timedelta(days=1 + int(random.expovariate(1 / 6)))
    else:
        due = today + timedelta(days=min(75, int(random.expovariate(1 / 13))))
    return max(_work_day(due), created)


def _status_of_open(random: Random, progress: float, *, is_backlog: bool) -> str:
    if random.random() < _BLOCKED_SHARE:
        return BLOCKED
    if is_backlog:
        return PLANNED
    reached = progress + random.gauss(0, 0.15)
    if reached < 0.35:
        return PLANNED
    return IN_PROGRESS if reached < 0.85 else IN_REVIEW


def draw_life(random: Random, reference: datetime, usual_hours: float) -> Life:
    """Draw the course of one task up to `reference`, for work that usually takes so many hours."""
    is_backlog = random.random() < 0.12
    days_ago = random.uniform(0.4, HISTORY_DAYS)
    if is_backlog:
        days_ago = random.uniform(4, 3.5 * HISTORY_DAYS)
    elif random.random() < 0.15:
        days_ago = HISTORY_DAYS + random.expovariate(1 / 20)
    created = _at_work(reference - timedelta(days=days_ago), random)
    priority = random.choices(_PRIORITIES, _PRIORITY_WEIGHTS)[0]
    median = 5.5 + 1.6 * math.sqrt(usual_hours) + (-4.0 if priority == "urgent" else 0.0)
    cycle_days = max(0.2, random.lognormvariate(math.log(max(median, 1.5)), 0.85))
    ends = _at_work(created + timedelta(days=cycle_days), random)
    ends = max(ends, created + timedelta(minutes=random.randint(20, 240)))
    hours = None if random.random() < 0.15 else _rounded_hours(usual_hours * random.lognormvariate(0, 0.35))
    if ends < reference and not is_backlog and random.random() < 0.955:
        return _finished(random, reference, created, ends, priority, hours)
    return _unfinished(random, reference, created, cycle_days, priority, hours, is_backlog=is_backlog)


def _rounded_hours(hours: float) -> float:
    return max(0.5, round(hours * 2) / 2)


def _finished(
    random: Random,
    reference: datetime,
    created: datetime,
    ends: datetime,
    priority: str,
    hours: float | None,
) -> Life:
    """Return a task that is over: four in five on time, one in twenty dropped."""
    slack = abs(random.gauss(0, 4)) if random.random() < 0.8 else -random.uniform(1, 9)
    due = max(_work_day((ends + timedelta(days=slack)).date()), created.date())
    touched = ends + timedelta(hours=random.uniform(1, 60)) if random.random() < 0.15 else ends
    return Life(
        status=CANCELLED if random.random() < 0.05 else DONE,
        priority=priority,
        created_at=created,
        edited_at=min(touched, reference - timedelta(minutes=1)).replace(second=0, microsecond=0),
        completed_at=ends,
        starts_on=min(created.date(), due),
        due_on=due if random.random() < 0.9 else None,
        hours=hours,
    )


def _unfinished(
    random: Random,
    reference: datetime,
    created: datetime,
    cycle_days: float,
    priority: str,
    hours: float | None,
    *,
    is_backlog: bool,
) -> Life:
    """Return a task somebody still has to finish."""
    age = reference - created
    touched = reference - age * (random.random() ** 2)
    due = _due_of_open(random, created.date(), reference.date()) if random.random() < 0.86 else None
    start = None if due is None else max(created.date(), due - timedelta(days=random.randint(1, 14)))
    return Life(
        status=_status_of_open(random, age / timedelta(days=cycle_days), is_backlog=is_backlog),
        priority=priority,
        created_at=created,
        edited_at=min(max(touched, created), reference - timedelta(minutes=1)).replace(
            second=0, microsecond=0
        ),
        completed_at=None,
        starts_on=start,
        due_on=due,
        hours=hours,
    )
