"""When a burst of events is over: three seconds of quiet, fifteen at the longest; pure."""

from datetime import datetime
from typing import Final

QUIET_SECONDS: Final = 3.0
LONGEST_SECONDS: Final = 15.0


def seconds_to_wait(*, first_at: datetime, last_at: datetime, now: datetime) -> float:
    """Seconds until events that came between `first_at` and `last_at` are to be read; 0.0 for at once.

    A clock that was set back can make the wait no longer than `LONGEST_SECONDS`.
    """
    quiet = QUIET_SECONDS - (now - last_at).total_seconds()
    limit = LONGEST_SECONDS - (now - first_at).total_seconds()
    return max(0.0, min(quiet, limit, QUIET_SECONDS))
