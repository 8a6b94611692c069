"""Tenants that wait for their turn: a failed one comes again a little later, while the workers go on with others."""

import heapq
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from threading import Condition, Lock

import structlog
from django.db import connections

from tenants.models import Tenant
from tenants.tenancy.migrating.one_tenant import MigrationFailed, Worker, backoff_seconds
from tenants.tenancy.migrating.units import Library
from tenants.tenancy.template import Key

log = structlog.get_logger(__name__)
# Tries of one tenant before the run goes on without it; it gets another round of them at the end.
ATTEMPTS = 5


@dataclass
class Job:
    """One tenant and what it lacks."""

    tenant: Tenant
    keys: Sequence[Key]
    attempts: int = 0


@dataclass
class Outcome:
    """What became of the jobs of a round; the threads write to it."""

    migrated: list[Tenant] = field(default_factory=list)
    # Another run was quicker: nothing was left to do.
    found_done: list[Tenant] = field(default_factory=list)
    failed: dict[str, tuple[Job, MigrationFailed]] = field(default_factory=dict)
    not_begun: list[Job] = field(default_factory=list)
    retries: int = 0


class Turns:
    """A queue of one cell's jobs, ordered by when they may begin; shared by its workers."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._numbers = count()
        self._waiting = [(0.0, next(self._numbers), job) for job in jobs]
        self._under_way = 0
        self._is_stopped = False
        self._changed = Condition()

    def take(self) -> Job | None:
        """The next job, waited for while there may still be one; None when all is done or the run was stopped."""
        with self._changed:
            while not self._is_stopped and (self._waiting or self._under_way):
                seconds = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if seconds is not None and seconds <= 0:
                    self._under_way += 1
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(seconds)
            return None

    def give_back(self, job: Job, *, after_seconds: float | None = None) -> None:
        """A job is done; with ``after_seconds`` it comes again."""
        with self._changed:
            self._under_way -= 1
            if after_seconds is not None:
                heapq.heappush(self._waiting, (time.monotonic() + after_seconds, next(self._numbers), job))
            self._changed.notify_all()

    def stop(self) -> None:
        """Begin nothing any more; what is under way is finished."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def left(self) -> list[Job]:
        """The jobs nobody took."""
        return [job for _, _, job in sorted(self._waiting, key=lambda entry: entry[:2])]


class Round:
    """All cells at once, each with its own workers."""

    def __init__(
        self, jobs: Iterable[Job], library: Library, *, workers: int, stop_after: int | None = None
    ) -> None:
        by_cell: dict[str, list[Job]] = {}
        for job in jobs:
            by_cell.setdefault(job.tenant.cell, []).append(job)
        self._turns = {cell: Turns(waiting) for cell, waiting in by_cell.items()}
        self._threads = {cell: min(workers, len(waiting)) for cell, waiting in by_cell.items()}
        self._library, self._stop_after = library, stop_after
        self._outcome, self._lock = Outcome(), Lock()

    def run(self) -> Outcome:
        """Work until every job is done, has failed, or was not begun because too many had failed."""
        if not self._turns:
            return self._outcome
        with ThreadPoolExecutor(sum(self._threads.values()), thread_name_prefix="migrate") as pool:
            started: list[Future[None]] = [
                pool.submit(self._work, cell) for cell, many in self._threads.items() for _ in range(many)
            ]
            try:
                wait(started, return_when=FIRST_EXCEPTION)
            finally:  # a worker's own mistake, or Ctrl-C: nothing new is begun
                self._stop()
        for future in started:
            future.result()
        self._outcome.not_begun = [job for turns in self._turns.values() for job in turns.left()]
        return self._outcome

    def _work(self, cell: str) -> None:
        worker, turns = Worker(cell, self._library), self._turns[cell]
        try:
            while (job := turns.take()) is not None:
                after_seconds: float | None = None
                try:
                    after_seconds = self._try(worker, job)
                finally:
                    turns.give_back(job, after_seconds=after_seconds)
        finally:
            worker.close()
            connections.close_all()

    def _try(self, worker: Worker, job: Job) -> float | None:
        """Migrate one tenant; after how many seconds it is to be tried again, if it is."""
        try:
            done = worker.migrate(job.tenant, job.keys)
        except MigrationFailed as error:
            job.attempts += 1
            if error.is_passing and job.attempts < ATTEMPTS:
                with self._lock:
                    self._outcome.retries += 1
                log.info("tenant.migration_waits", tenant=job.tenant.slug, error=str(error))
                return backoff_seconds(job.attempts)
            self._note_failure(job, error)
            return None
        with self._lock:
            (self._outcome.migrated if done else self._outcome.found_done).append(job.tenant)
        return None

    def _note_failure(self, job: Job, error: MigrationFailed) -> None:
        log.error(
            "tenant.migration_failed",
            tenant=job.tenant.slug,
            migration=error.migration,
            error=str(error),
        )
        with self._lock:
            self._outcome.failed[job.tenant.slug] = (job, error)
            is_enough = self._stop_after is not None and len(self._outcome.failed) >= self._stop_after
        if is_enough:
            self._stop()

    def _stop(self) -> None:
        for turns in self._turns.values():
            turns.stop()
