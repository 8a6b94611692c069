"""Real jobs in the trace's own time: the engine's clock stands where the trace stands, and jobs run when due by it.

What Python asks for its clock is told the stage's time, years ahead of the machine's, so that what the database
writes by its own clock ("now", "in five seconds") is told apart, and moved to the trace's time. Nothing else of the
engine is touched: pauses in which edits or events are gathered, polls, retries and leases are its own.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from benchmarks.sync.stage import Stage
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.tenancy import TenantRef

_SHIFT = (
    "UPDATE tenants_workitem SET due_at = due_at + (%s - %s)"
    " WHERE tenant_id = %s AND state = 'ready' AND due_at < statement_timestamp() + interval '300 days'"
)
_WANTED = " WHERE tenant_id = %s AND state = 'ready' AND kind <> ALL(%s)"
_TAKE = (
    "UPDATE tenants_workitem SET state = 'handed' WHERE id = (SELECT id FROM tenants_workitem"
    + _WANTED
    + " AND due_at <= %s ORDER BY priority, due_at, id LIMIT 1) RETURNING id, kind"
)
_NEXT = "SELECT min(due_at) FROM tenants_workitem" + _WANTED


class BorrowedTime:
    """Runs the jobs of one company by the stage's clock."""

    def __init__(self, stage: Stage, tenant: TenantRef, *, left_out: frozenset[str]) -> None:
        self._stage = stage
        self._tenant = tenant
        self._left_out = sorted(left_out)
        # The machine's time when the stage's clock was read last: what is written from then on is so much later.
        self._since = datetime.now(UTC)
        self.ran: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def now(self) -> datetime:
        return self._stage.at(self._stage.now)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """The engine's clock shows the stage's time until the block ends."""
        with patch("django.utils.timezone.now", self.now):
            yield

    def next_at(self) -> float | None:
        """When the next job is due, in the stage's seconds."""
        with cell_transaction(self._tenant.cell) as cursor:
            self._shift(cursor)
            cursor.execute(_NEXT, [self._tenant.id, self._left_out])
            (due_at,) = cursor.fetchone()
        return None if due_at is None else (due_at - self._stage.epoch) / timedelta(seconds=1)

    def run_to_rest(self, *, pause_seconds: float = 5.0) -> None:
        """Run on, and let time go on, until nothing is due within so many seconds."""
        while True:
            self.run_due()
            due_at = self.next_at()
            if due_at is None or due_at > self._stage.now + pause_seconds:
                return
            self._stage.set_time(due_at)

    def run_until(self, is_over: Callable[[], bool]) -> None:
        """Run on until it is so, however long the machine takes for it. Raises: RuntimeError when nothing is left."""
        self.run_due()
        while not is_over():
            due_at = self.next_at()
            if due_at is None:
                raise RuntimeError("Nothing is left to be done, and it is not over.")
            self._stage.set_time(due_at)
            self.run_due()

    def run_due(self, *, at_most: int = 2_000) -> None:
        """Run everything that is due, and what that asks for in turn. Raises: RuntimeError when there is no end."""
        for _ in range(at_most):
            taken = self._take()
            if taken is None:
                return
            item_id, kind = taken
            outcome = run_item(self._tenant.cell, item_id, has_heartbeat=False)
            self.ran[kind] += 1
            if outcome not in {Outcome.DONE, Outcome.POSTPONED}:
                self.failed[f"{kind}: {outcome}"] += 1
        raise RuntimeError(f"There is no end to what is due: {self.ran.most_common(5)}")

    def _take(self) -> tuple[UUID, str] | None:
        with cell_transaction(self._tenant.cell) as cursor:
            self._shift(cursor)
            cursor.execute(_TAKE, [self._tenant.id, self._left_out, self.now()])
            row = cursor.fetchone()
        return (row[0], row[1]) if row else None

    def _shift(self, cursor: CursorWrapper) -> None:
        """Move what was written by the machine's time, never to before the stage's present: it would be due again."""
        cursor.execute(_SHIFT, [self.now(), self._since, self._tenant.id])
        self._since = datetime.now(UTC)
