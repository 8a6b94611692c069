"""The sandbox's own time, so that hours pass in a test without waiting for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

Mode = Literal["real", "offset", "manual"]


class Clock:
    """Real time, real time plus an offset, or a time that only moves when told to."""

    def __init__(self) -> None:
        self.mode: Mode = "real"
        self._offset = timedelta()
        self._manual = datetime.now(UTC)

    def now(self) -> datetime:
        """The moment it is in the sandbox, aware, in UTC."""
        if self.mode == "manual":
            return self._manual
        return datetime.now(UTC) + self._offset

    def use_real_time(self) -> None:
        """Follow the machine's clock again."""
        self.mode, self._offset = "real", timedelta()

    def shift_by(self, seconds: float) -> None:
        """Run at the machine's pace, `seconds` ahead of it (negative: behind)."""
        self.mode, self._offset = "offset", timedelta(seconds=seconds)

    def stop_at(self, moment: datetime) -> None:
        """Stand still at `moment` (naive means UTC) until moved."""
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self.mode, self._manual = "manual", aware.astimezone(UTC)

    def advance(self, seconds: float) -> None:
        """Move forward, whatever the mode; a real clock becomes one with an offset."""
        if self.mode == "manual":
            self._manual += timedelta(seconds=seconds)
        else:
            self.mode = "offset"
            self._offset += timedelta(seconds=seconds)

    def http_date(self) -> str:
        """The `Date` header."""
        return format_datetime(self.now(), usegmt=True)


def to_minute(moment: datetime) -> str:
    """`2026-07-01T10:05:00.000Z`: Notion cuts the seconds off, it does not round."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00.000Z")


def nearest_minute(moment: datetime) -> str:
    """`2026-07-01T10:06:00.000Z` from 10:05:30 on: the other way seconds may go."""
    return to_minute(moment + timedelta(seconds=30))


def epoch_minute(text: str) -> int:
    """Seconds since 1970 of the minute a Notion timestamp lies in. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) // 60 * 60
