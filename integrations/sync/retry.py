"""The one retry policy: what is done about each way a call can fail; pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from integrations.capabilities import ProblemKind, SourceError

#: A worker never waits longer than this; whatever takes longer goes back into the queue.
INLINE_WAIT_SECONDS: Final = 2.0
MAX_INLINE_ATTEMPTS: Final = 4
SMALLEST_PAGE_SIZE: Final = 10
#: A record the service failed for so often says nothing of the service any more.
KNOWN_FAILURES: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 300.0


class Action(StrEnum):
    """What to do about a failed call."""

    AGAIN = "again"
    POSTPONE = "postpone"
    SHRINK = "shrink"
    RESTART_WINDOW = "restart_window"
    STOP_CONNECTION = "stop_connection"
    REAUTHORISE = "reauthorise"
    LOOK_UP = "look_up"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, and the pause before it in seconds."""

    action: Action
    after_seconds: float = 0.0


_FINAL = {
    ProblemKind.BLOCKED: Action.STOP_CONNECTION,
    ProblemKind.UNAUTHORISED: Action.REAUTHORISE,
    ProblemKind.INVALID_CURSOR: Action.RESTART_WINDOW,
    ProblemKind.INVALID_REQUEST: Action.GIVE_UP,
    ProblemKind.FORBIDDEN: Action.GIVE_UP,
    ProblemKind.NOT_FOUND: Action.GIVE_UP,
    ProblemKind.UNREADABLE: Action.GIVE_UP,
    ProblemKind.STORAGE_FULL: Action.GIVE_UP,
}
_LIMITS = frozenset({ProblemKind.RATE_LIMITED, ProblemKind.OVERLOADED})
_TOO_MUCH_AT_ONCE = frozenset({ProblemKind.UNAVAILABLE, ProblemKind.TIMEOUT})


def decide(error: SourceError, *, attempt: int, jitter: float, page_size: int | None = None) -> Decision:
    """Say what to do after the `attempt`-th failure (from 1) of a call that only reads.

    `jitter` is a random number from 0 to 1, so that workers do not come back together. `page_size` is given
    for queries: the service recommends asking for less when one was too much for it.
    """
    final = _FINAL.get(error.kind)
    if final is not None:
        return Decision(final)
    if error.kind in _TOO_MUCH_AT_ONCE and page_size is not None and page_size > SMALLEST_PAGE_SIZE:
        return Decision(Action.SHRINK, _pause(attempt, jitter))
    return _later(error, attempt, jitter)


def decide_write(error: SourceError, *, attempt: int, jitter: float) -> Decision:
    """Say what to do after the `attempt`-th failure (from 1) of a call that changes something there.

    Only what certainly was not carried out is made again: a refusal for want of budget, a clash with somebody
    else's write, a request that never left. All else has to be looked up first.
    """
    if error.is_committed or error.is_ambiguous:
        return Decision(Action.LOOK_UP)
    final = _FINAL.get(error.kind)
    return Decision(final) if final is not None else _later(error, attempt, jitter)


def _later(error: SourceError, attempt: int, jitter: float) -> Decision:
    if error.kind in _LIMITS:
        # The limiter knows how long; asking it again waits or puts the job back.
        action = Action.AGAIN if attempt < MAX_INLINE_ATTEMPTS else Action.POSTPONE
        return Decision(action, 0.0 if action is Action.AGAIN else error.retry_after_seconds or 30.0)
    wait = max(_pause(attempt, jitter), error.retry_after_seconds or 0.0)
    if attempt < MAX_INLINE_ATTEMPTS and wait <= INLINE_WAIT_SECONDS:
        return Decision(Action.AGAIN, wait)
    return Decision(Action.POSTPONE, max(wait, 5.0))


def postponed_pause(stalls: int, jitter: float) -> float:
    """Seconds until a run that could not go on for the `stalls`-th time in a row is tried again."""
    return min(5.0 * 2.0 ** min(stalls, 8), _LONGEST_PAUSE_SECONDS) * (0.75 + 0.5 * jitter)


def _pause(attempt: int, jitter: float) -> float:
    return _FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1) * (0.5 + jitter)
