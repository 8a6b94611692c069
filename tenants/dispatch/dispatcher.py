"""The dispatcher's loop: hand out, sweep, wait to be woken; it outlives restarts of PostgreSQL and Valkey."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import redis
import structlog
from django.db import DatabaseError, InterfaceError, connections

from tenants.dispatch.absences import Absences
from tenants.dispatch.broker import PLATFORM_QUEUE, BrokerDown, Sender
from tenants.dispatch.handing import Pass, hand_out, has_due_work, take_back
from tenants.dispatch.metrics import (
    CELL_UP,
    DISPATCHER_LAST_PASS,
    JOB_DEAD,
    JOB_IN_FLIGHT,
    JOB_OLDEST_AGE,
    JOB_RUNNABLE,
    JOBS_HANDED,
)
from tenants.dispatch.registry import registry
from tenants.dispatch.selectors import queue_depth
from tenants.dispatch.sweeping import SWEEP_SECONDS, sweep
from tenants.dispatch.waking import WakeListener

log = structlog.get_logger(__name__)
POLL_SECONDS = 1.0
REST_SECONDS = 0.02  # between passes, however often it is woken
BROKEN_SECONDS = 1.0


class Trouble:
    """Says once that something is down, and once that it is back."""

    def __init__(self, what: str) -> None:
        self._what, self._is_down = what, False

    def begins(self, error: Exception) -> None:
        """It failed (again)."""
        if not self._is_down:
            log.warning("dispatcher.lost", what=self._what, error=str(error).strip())
        self._is_down = True

    def ends(self) -> None:
        """It worked."""
        if self._is_down:
            log.info("dispatcher.back", what=self._what)
        self._is_down = False


@dataclass(frozen=True, slots=True)
class Turn:
    """Messages sent, and whether there is nothing more to do until the next wake-up.

    Another replica's pass under way means there may be: it may have begun before the row we were woken for.
    """

    sent: int
    is_done: bool


class Dispatcher:
    """Serves ``cells`` until ``stop`` is called. Any number may run, on any number of machines."""

    def __init__(self, cells: Sequence[str], *, beat: Callable[[], None] = lambda: None) -> None:
        self._cells, self._beat = list(cells), beat
        self._stopping = threading.Event()
        self._broker, self._waking = Trouble("broker"), Trouble("waking")
        self._absences = Absences(has_due_work, seconds=BROKEN_SECONDS)
        self._sender = Sender()
        self._looked_after_at = 0.0

    def stop(self) -> None:
        """End the loop after what it is doing; safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Hand out until stopped."""
        registry.load()
        listener = WakeListener(self._cells, longest_wait=POLL_SECONDS)
        log.info("dispatcher.started", cells=self._cells)
        while not self._stopping.is_set():
            is_done = self.turn().is_done
            self._beat()
            self._stopping.wait(REST_SECONDS)
            if is_done and not self._stopping.is_set():
                self._wait(listener)
        listener.close()
        self._absences.end()
        self._sender.close()
        connections.close_all()
        log.info("dispatcher.stopped")

    def turn(self) -> Turn:
        """One look at every cell that answers, and now and then after what was lost."""
        sent, is_done = 0, True
        is_time = time.monotonic() - self._looked_after_at >= SWEEP_SECONDS
        for cell in self._cells:
            if self._absences.is_away(cell):
                continue
            try:
                if is_time:
                    sweep(cell)
                    observe(cell)
                served = self._serve(cell)
            except (DatabaseError, InterfaceError) as error:
                connections[cell].close()
                self._absences.begin(cell, error)
                continue
            sent += served.sent
            is_done = is_done and served.is_done
        if is_time:
            self._looked_after_at = time.monotonic()
        return Turn(sent, is_done)

    def _serve(self, cell: str) -> Turn:
        handed = hand_out(cell)
        DISPATCHER_LAST_PASS.labels(cell=cell).set_to_current_time()
        if not handed.items:
            return Turn(0, is_done=not handed.is_busy)
        try:
            self._send(cell, handed)
        except BrokerDown as error:
            self._broker.begins(error)
            take_back(cell, error.unsent)
            self._stopping.wait(BROKEN_SECONDS)
            return Turn(len(handed.items) - len(error.unsent), is_done=True)
        self._broker.ends()
        JOBS_HANDED.labels(cell=cell).inc(len(handed.items))
        return Turn(len(handed.items), is_done=True)

    def _send(self, cell: str, handed: Pass) -> None:
        """Companies' rows to one queue and the platform's own to the other. Raises: BrokerDown."""
        ours = [item for item in handed.items if item in handed.platforms]
        theirs = [item for item in handed.items if item not in handed.platforms]
        if theirs:
            try:
                self._sender.send(cell, theirs)
            except BrokerDown as error:
                raise BrokerDown([*error.unsent, *ours], error) from error
        if ours:
            self._sender.send(cell, ours, PLATFORM_QUEUE)

    def _wait(self, listener: WakeListener) -> None:
        try:
            listener.wait()
            self._waking.ends()
        except redis.RedisError as error:
            self._waking.begins(error)
            self._stopping.wait(POLL_SECONDS)


def observe(cell: str) -> None:
    """Show the queue's depth to Prometheus."""
    depth = queue_depth(cell)
    CELL_UP.labels(cell=cell).set(1)
    JOB_RUNNABLE.labels(cell=cell).set(depth.runnable)
    JOB_IN_FLIGHT.labels(cell=cell).set(depth.handed + depth.running)
    JOB_DEAD.labels(cell=cell).set(depth.dead)
    JOB_OLDEST_AGE.labels(cell=cell).set(depth.oldest_age_seconds)
