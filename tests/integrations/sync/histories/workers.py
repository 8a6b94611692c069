"""The workers of a history: the product's own jobs by the history's clock, and workers that are killed anywhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from django.db import connections

from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import run_item
from tenants.dispatch.sweeping import GONE
from tenants.outbox.bus import forget_relay_request
from tenants.tenancy import TenantRef
from tests.fakes.sweeping import sweep_up
from tests.fakes.transactions import own_transactions_only
from tests.integrations.sync.histories.clock import HistoryClock

# What was written by the database's clock ("now", "in five seconds") is moved to the history's time.
_MOVE = (
    "UPDATE tenants_workitem SET due_at = %s + make_interval(secs => round(greatest(0,"
    " extract(epoch FROM due_at - statement_timestamp()))))"
    " WHERE tenant_id = %s AND state = 'ready' AND due_at < statement_timestamp() + interval '10 years'"
)
_TAKE = (
    "UPDATE tenants_workitem SET state = 'handed' WHERE id = ("
    " SELECT id FROM tenants_workitem WHERE tenant_id = %s AND state = 'ready' AND due_at <= %s"
    " AND (kind = %s OR %s::text IS NULL) AND kind <> ALL(%s) ORDER BY priority, due_at, id LIMIT 1)"
    " RETURNING id, kind, every_seconds"
)
# Runs of a schedule that were missed are made up for by one.
_CATCH_UP = (
    "UPDATE tenants_workitem SET due_at = due_at + make_interval(secs => every_seconds *"
    " ceil(extract(epoch FROM %s - due_at) / every_seconds))"
    " WHERE tenant_id = %s AND state = 'ready' AND every_seconds > 0 AND due_at <= %s AND kind = ANY(%s)"
)
_OF_TRANSACTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


class Killed(BaseException):
    """The worker is gone in the middle of it: nobody tidies up."""


class Workers:
    """They do what is due, when it is due."""

    def __init__(self, tenant: TenantRef, clock: HistoryClock) -> None:
        self._tenant = tenant
        self._clock = clock

    def work(self, kind: str | None = None, *, at_most: int = 400) -> None:
        """Do everything that is due, or all of one kind, and what that asks for. Raises: AssertionError, Killed."""
        cell = self._tenant.cell
        repeated: list[str] = []
        for _ in range(at_most):
            # The test's transaction goes on, so it may publish again and has to ask for another relay run.
            forget_relay_request(cell)
            taken = self._take(kind, repeated)
            if taken is None:
                self._catch_up(repeated)
                return
            item_id, name, every_seconds = taken
            if every_seconds:
                repeated.append(name)
            with own_transactions_only(cell):
                run_item(cell, item_id, has_heartbeat=False)
        raise AssertionError(f"more than {at_most} jobs were due")

    def die(self, place: tuple[Any, str], *, spared: int) -> bool:
        """Work until a worker comes to this place for the time after so many, and is killed; whether one was.

        From that moment on nothing is written any more, not even by what should tidy up. Its job is run again later.
        """
        with suppress(Killed), _killing(self._tenant.cell, place, spared):
            self.work()
            return False
        sweep_up(self._tenant)
        return True

    def failures(self) -> list[tuple[str, str]]:
        """Jobs that were given up though nobody killed their workers: kind and error."""
        with cell_transaction(self._tenant.cell) as cursor:
            cursor.execute(
                "SELECT kind, last_error FROM tenants_workitem WHERE tenant_id = %s AND state = 'dead'"
                " AND last_error NOT LIKE %s",
                [self._tenant.id, f"{GONE}%"],
            )
            return list(cursor.fetchall())

    def _take(self, kind: str | None, repeated: list[str]) -> tuple[UUID, str, int | None] | None:
        with cell_transaction(self._tenant.cell) as cursor:
            cursor.execute(_MOVE, [self._clock.moment, self._tenant.id])
            cursor.execute(_TAKE, [self._tenant.id, self._clock.moment, kind, kind, repeated])
            row = cursor.fetchone()
        return (row[0], row[1], row[2]) if row else None

    def _catch_up(self, repeated: list[str]) -> None:
        if repeated:
            now = self._clock.moment
            with cell_transaction(self._tenant.cell) as cursor:
                cursor.execute(_CATCH_UP, [now, self._tenant.id, now, repeated])


@contextmanager
def _killing(alias: str, place: tuple[Any, str], spared: int) -> Iterator[None]:
    owner, name = place
    function: Callable[..., Any] = getattr(owner, name)
    left, is_dead = spared, False

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal left, is_dead
        if left > 0:
            left -= 1
            return function(*args, **kwargs)
        is_dead = True
        raise Killed

    def send(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if is_dead and not str(sql).startswith(_OF_TRANSACTIONS):
            raise Killed
        return execute(sql, params, many, context)

    setattr(owner, name, dying)
    try:
        with connections[alias].execute_wrapper(send):
            yield
    finally:
        setattr(owner, name, function)
