"""Keeps a running job's lease alive from a small thread, on a connection of its own."""

import threading
import time

import structlog
from django.db import DatabaseError, InterfaceError, connections

from tenants.dispatch.leases import Lease, cell_transaction, extend_lease
from tenants.dispatch.registry import Job

log = structlog.get_logger(__name__)


class Heartbeat:
    """Extends ``lease`` every third of its length until the block ends, the lease is lost or time is up.

    A job that outlives its time limit is left alone: its lease runs out, and the sweeper gives it to another
    worker.
    """

    def __init__(self, lease: Lease, job: Job, *, has_thread: bool = True) -> None:
        self._lease, self._job = lease, job
        self._ended, self._lost = threading.Event(), threading.Event()
        self._deadline = time.monotonic() + job.time_limit_seconds
        self._thread = (
            threading.Thread(target=self._beat, name="job-heartbeat", daemon=True) if has_thread else None
        )

    def __enter__(self) -> "Heartbeat":
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    @property
    def is_lost(self) -> bool:
        """Whether the lease is known to be another's, or the job's time is up."""
        return self._lost.is_set() or time.monotonic() > self._deadline

    def _beat(self) -> None:
        try:
            while not self._ended.wait(self._job.lease_seconds / 3):
                if self.is_lost:
                    log.warning("job.overran", kind=self._lease.kind, job_id=str(self._lease.id))
                    return
                self._extend()
        finally:
            connections.close_all()

    def _extend(self) -> None:
        cell = self._lease.cell
        try:
            with cell_transaction(cell) as cursor:
                if not extend_lease(cursor, self._lease, self._job.lease_seconds):
                    self._lost.set()
        except (DatabaseError, InterfaceError) as error:
            # The database may be back before the lease ends; if not, the sweeper is right to take the row.
            log.warning("job.heartbeat_failed", job_id=str(self._lease.id), error=str(error))
            connections[cell].close()
