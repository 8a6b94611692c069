"""The one row that says where a company lives, and how long every process may take to have read it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.db import transaction

from tenants.foundation.errors import Conflict
from tenants.lifecycle.moving.places import Move
from tenants.lifecycle.transitions import change_state
from tenants.models import Tenant
from tenants.tenancy.directory import LOOK_SECONDS, directory
from tenants.tenancy.positions import positions

log = structlog.get_logger(__name__)
State = Tenant.State
# A process looks once a second; whoever had just looked is given time for its answer.
SETTLE_SECONDS = LOOK_SECONDS + 0.3
# In these the doors are shut to writers for the move's last seconds; a suspended company's are shut already.
OPEN_STATES = frozenset({State.ACTIVE, State.READ_ONLY})
MOVABLE = OPEN_STATES | {State.SUSPENDED}


def doors_before(move: Move) -> dict[str, str]:
    """The state to come back to and its reason.

    Raises: Conflict in a state in which nothing is moved.
    """
    tenant = Tenant.objects.get(pk=move.tenant_id)
    if tenant.state not in MOVABLE:
        raise Conflict(f"A company that is {tenant.state} is not moved.", code="moves.state")
    return {"state": str(tenant.state), "reason": tenant.state_reason}


def shut_doors(move: Move, before: dict[str, str]) -> None:
    """Have every door refuse what writes. Safe to repeat.

    Raises: Conflict when the state was changed meanwhile, OperationLost.
    """
    with _held(move) as tenant:
        if tenant.state != State.MOVING and before["state"] in OPEN_STATES:
            change_state(move.tenant_id, State.MOVING, seen=before["state"], asked_by="move")
    directory.forget()


def open_doors(move: Move, before: dict[str, str]) -> None:
    """Go back to the state there was; one that was changed meanwhile, as a suspended company's may, stays."""
    with _held(move) as tenant:
        if tenant.state == State.MOVING:
            change_state(
                move.tenant_id, before["state"], reason=before["reason"], seen=State.MOVING, asked_by="move"
            )
    directory.forget()


def live_in(move: Move, cell: str) -> None:
    """Write down that the company lives in ``cell`` from now on. Its doors are shut to writers meanwhile.

    Raises: OperationLost.
    """
    with _held(move) as tenant:
        if tenant.cell != cell:
            tenant.cell, tenant.region = cell, settings.CELL_POLICIES[cell].region
            tenant.save(update_fields=["cell", "region", "updated_at"])
            log.info("tenant.lives_in", tenant=tenant.slug, cell=cell)
    directory.forget()


@contextmanager
def _held(move: Move) -> Iterator[Tenant]:
    """The company's row, for whoever holds the operation in this very transaction.

    A process that was stopped and goes on when another has finished or undone the move must not write here: it would
    send the company to a place that is gone. Raises: OperationLost.
    """
    with transaction.atomic(using="default"):
        move.run.beat()
        yield Tenant.objects.select_for_update().get(pk=move.tenant_id)


def note_position(move: Move, cell: str) -> None:
    """Have a cell's replica read only when it has what the move wrote: it may have older rows of a former stay."""
    with move.at(cell) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    positions.note(cell, [move.tenant_id], int(row[0]) if row else 0)


def wait_until_known() -> None:
    """Wait as long as a process may go by what it read of the directory before.

    Nobody writes meanwhile and both places hold the same, so it does not matter which of them a reader is in.
    """
    time.sleep(SETTLE_SECONDS)
