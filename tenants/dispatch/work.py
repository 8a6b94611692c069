"""What a job is given, and the ways in which it may end early."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

_tries_left: ContextVar[int] = ContextVar("dispatch_tries_left", default=0)


def tries_left() -> int:
    """How often the job this code runs in is still tried again when it fails; 0 outside any job."""
    return _tries_left.get()


@contextmanager
def counted_tries(left: int) -> Iterator[None]:
    """Say so for the block."""
    token = _tries_left.set(max(0, left))
    try:
        yield
    finally:
        _tries_left.reset(token)


class Retry(Exception):
    """Put the job back: run it again in ``after_seconds``, without counting this as a failed attempt.

    It may be said again and again until the job is ``max_age_seconds`` old; then it is given up.
    """

    def __init__(self, reason: str = "", *, after_seconds: float) -> None:
        super().__init__(reason or f"asked to be run again in {after_seconds:g} s")
        self.after_seconds = max(0.0, after_seconds)


class LeaseLost(Exception):
    """Another worker has taken this job over: stop, and change nothing more."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run of a job. ``attempt`` counts from 1; ``payload`` is what was given to ``enqueue``."""

    id: UUID
    kind: str
    tenant_id: UUID
    object_id: UUID | None
    payload: Mapping[str, Any]
    attempt: int
    due_at: datetime
    slot: str | None
    _control: "Control" = field(repr=False, compare=False)

    def heartbeat(self) -> None:
        """Say that the job is alive; a long loop calls it between steps (a thread does it in between, too).

        Raises: LeaseLost when another worker has taken over, or the job's time limit has passed.
        """
        self._control.heartbeat()

    def hold(self) -> None:
        """Inside ``atomic``: let what this transaction does take effect only while the job is ours.

        The row stays locked until the transaction ends, so nobody can take the job over in between.
        Raises: LeaseLost.
        """
        self._control.hold()

    def finish(self) -> None:
        """Inside ``atomic``: mark the job done in this very transaction, so its effect and the mark are one.

        A worker killed before the commit leaves neither, one killed after it both. Raises: LeaseLost.
        """
        self._control.finish()

    def end_schedule(self) -> None:
        """Make a recurring job's present run its last."""
        self._control.every_seconds = None

    def reschedule(self, *, every_seconds: int) -> None:
        """Change a recurring job's period from its next run on."""
        self._control.every_seconds = every_seconds


@dataclass(slots=True)
class Control:
    """What the runner gives a :class:`Work` to act on its own row with."""

    heartbeat: Callable[[], None]
    hold: Callable[[], None]
    finish: Callable[[], None]
    every_seconds: int | None = None
    is_finished: bool = False
