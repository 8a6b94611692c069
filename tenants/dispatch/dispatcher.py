"""The dispatcher's loop: hand out, sweep, wait to be woken; it outlives restarts of PostgreSQL and Valkey."""

import threading
import time
from collections.abc import Callable, Sequence

import redis
import structlog
from django.db import DatabaseError, InterfaceError, connections

from tenants.dispatch import broker
from tenants.dispatch.handing import hand_out, take_back
from tenants.dispatch.metrics import (
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
from tenants.dispatch.waking import wait_for_wake

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


class Dispatcher:
    """Serves ``cells`` until ``stop`` is called. Any number may run, on any number of machines."""

    def __init__(self, cells: Sequence[str], *, beat: Callable[[], None] = lambda: None) -> None:
        self._cells, self._beat = list(cells), beat
        self._stopping = threading.Event()
        self._database, self._broker, self._waking = Trouble("database"), Trouble("broker"), Trouble("waking")
        self._observed_at = 0.0

    def stop(self) -> None:
        """End the loop after what it is doing; safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Hand out until stopped."""
        registry.load()
        log.info("dispatcher.started", cells=self._cells)
        while not self._stopping.is_set():
            self.turn()
            self._beat()
            self._stopping.wait(REST_SECONDS)
            if not self._stopping.is_set():
                self._wait()
        connections.close_all()
        log.info("dispatcher.stopped")

    def turn(self) -> int:
        """One look at every cell; returns how many rows were sent."""
        sent = 0
        is_watching = time.monotonic() - self._observed_at >= SWEEP_SECONDS
        for cell in self._cells:
            try:
                sent += self._serve(cell)
                sweep(cell)
                if is_watching:
                    observe(cell)
                self._database.ends()
            except (DatabaseError, InterfaceError) as error:
                self._database.begins(error)
                connections[cell].close()
                self._stopping.wait(BROKEN_SECONDS)
        if is_watching:
            self._observed_at = time.monotonic()
        return sent

    def _serve(self, cell: str) -> int:
        handed = hand_out(cell)
        DISPATCHER_LAST_PASS.labels(cell=cell).set_to_current_time()
        if not handed.items:
            return 0
        try:
            broker.send(cell, handed.items)
        except broker.BrokerDown as error:
            self._broker.begins(error)
            take_back(cell, error.unsent)
            self._stopping.wait(BROKEN_SECONDS)
            return len(handed.items) - len(error.unsent)
        self._broker.ends()
        JOBS_HANDED.labels(cell=cell).inc(len(handed.items))
        return len(handed.items)

    def _wait(self) -> None:
        try:
            wait_for_wake(self._cells, POLL_SECONDS)
            self._waking.ends()
        except redis.RedisError as error:
            self._waking.begins(error)
            self._stopping.wait(POLL_SECONDS)


def observe(cell: str) -> None:
    """Show the queue's depth to Prometheus."""
    depth = queue_depth(cell)
    JOB_RUNNABLE.labels(cell=cell).set(depth.runnable)
    JOB_IN_FLIGHT.labels(cell=cell).set(depth.handed + depth.running)
    JOB_DEAD.labels(cell=cell).set(depth.dead)
    JOB_OLDEST_AGE.labels(cell=cell).set(depth.oldest_age_seconds)
