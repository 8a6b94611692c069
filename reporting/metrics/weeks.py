"""The weeks a history is told in: whole ones from Monday to Monday, in the reader's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

ONE_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """A week by its Monday."""

    monday: date

    @property
    def next_monday(self) -> date:
        """The first day that is no longer in it."""
        return self.monday + ONE_WEEK

    @property
    def starts_at(self) -> datetime:
        """Its first moment."""
        return timezone.make_aware(datetime.combine(self.monday, time.min))

    @property
    def ends_at(self) -> datetime:
        """The first moment after it."""
        return timezone.make_aware(datetime.combine(self.next_monday, time.min))

    @property
    def number(self) -> int:
        """Its number in the year (ISO 8601)."""
        return self.monday.isocalendar().week


def last_weeks(count: int) -> tuple[Week, ...]:
    """The last `count` weeks, oldest first; the last one is the present one, not over yet."""
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    return tuple(Week(monday - ONE_WEEK * back) for back in reversed(range(count)))
