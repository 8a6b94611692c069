"""The cells: which takes the next tenant in, how full and how busy each is, and whether it answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.models import Count

from tenants.foundation.errors import Conflict, InvalidInput
from tenants.models import Operation, SpareSchema, Tenant
from tenants.tenancy.context import cell_scope

log = structlog.get_logger(__name__)
# In the context of a move that has been promised its place.
HAS_ROOM: Final = "has_room"
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
WAITING = "SELECT count(*) FROM tenants_workitem WHERE state = 'ready' AND due_at <= statement_timestamp()"
STATE = f"""
SELECT pg_database_size(current_database()), ({WAITING}), (SELECT max(passed_at) FROM tenants_dispatchclock),
       (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       current_setting('max_connections')::int
"""  # noqa: S608 - put together from our own constants


@dataclass(frozen=True, slots=True)
class CellState:
    """One cell as it stands. What only its database knows is None while that does not answer.

    ``connections`` are those to this database, ``most_connections`` the server's limit, which its databases share.
    """

    alias: str
    region: str
    is_open: bool
    tenants: int
    most_tenants: int
    spares: int
    is_up: bool
    error: str = ""
    bytes: int | None = None
    waiting_jobs: int | None = None
    passed_at: datetime | None = None
    relations: int | None = None
    connections: int | None = None
    most_connections: int | None = None


def choose_cell(region: str | None = None) -> str:
    """The cell for a new tenant of a region (``DEFAULT_REGION`` when none is named).

    Of those that are open and have room the emptiest by its own measure, among equals the one with the least work
    waiting; one that does not answer is passed over. Whoever takes a place there asks :func:`hold_room` first.

    Raises: InvalidInput (no cell is in that region), Conflict (none of them has room), OperationalError (none of
    those that have room answers).
    """
    wanted = region or settings.DEFAULT_REGION
    policies = {name: cell for name, cell in settings.CELL_POLICIES.items() if cell.region == wanted}
    if not policies:
        known = ", ".join(sorted({cell.region for cell in settings.CELL_POLICIES.values()}))
        raise InvalidInput(
            "There is no such region.",
            code="cells.unknown_region",
            fields={"region": [f"Choose one of these: {known}."]},
        )
    counts = places_taken()
    fullness = {
        name: counts.get(name, 0) / cell.most_tenants
        for name, cell in policies.items()
        if cell.is_open and counts.get(name, 0) < cell.most_tenants
    }
    if not fullness:
        raise Conflict(
            f"No cell of the region {wanted} takes new companies in.",
            code="cells.none_open",
            params={"region": wanted},
        )
    for share in sorted(set(fullness.values())):
        chosen = _least_busy([name for name, value in fullness.items() if value == share])
        if chosen is not None:
            return chosen
    raise OperationalError(f"No cell of the region {wanted} answers.")


def hold_room(cell: str, *, move: UUID | None = None) -> bool:
    """Whether a cell has room for one more; until the transaction ends nobody else is told that it has.

    Must be called in the transaction of the control plane in which the place is taken: by a new tenant's row, or by an
    open ``move`` that notes ``HAS_ROOM`` in its context.
    """
    if not transaction.get_connection(using="default").in_atomic_block:
        raise RuntimeError("Room in a cell is held until a transaction ends: open one.")
    with connections["default"].cursor() as cursor:
        cursor.execute(ALONE, [f"notion-task-sync room in {cell}"])
    policy = settings.CELL_POLICIES[cell]
    return policy.is_open and places_taken(beside=move).get(cell, 0) < policy.most_tenants


def places_taken(*, beside: UUID | None = None) -> dict[str, int]:
    """How many places of each cell are taken: by its tenants, and by those who are on their way there (``beside``:
    not by this move)."""
    taken = Counter(tenants_per_cell())
    moves = Operation.objects.filter(
        kind=Operation.Kind.MOVE, state__in=Operation.OPEN, **{f"context__{HAS_ROOM}": True}
    )
    if beside is not None:
        moves = moves.exclude(pk=beside)
    coming = {
        tenant_id: given["to"] for tenant_id, given in moves.values_list("tenant_id", "input") if tenant_id
    }
    for tenant_id, cell in Tenant.objects.filter(pk__in=coming).values_list("pk", "cell"):
        if coming[tenant_id] != cell:
            taken[coming[tenant_id]] += 1
    return dict(taken)


def tenants_per_cell() -> dict[str, int]:
    """How many tenants each cell holds; those whose schema is gone do not count."""
    held = Tenant.objects.exclude(state=Tenant.State.DELETED)
    return dict(held.values_list("cell").annotate(n=Count("pk")).order_by())


def cell_states(cells: Sequence[str] | None = None) -> list[CellState]:
    """How every cell (of those named) stands; one that does not answer is listed with what it said."""
    counts = tenants_per_cell()
    spares = dict(SpareSchema.objects.values_list("cell").annotate(n=Count("pk")).order_by())
    states: list[CellState] = []
    for name in cells or settings.CELLS:
        policy = settings.CELL_POLICIES[name]
        facts, error = _ask(name, STATE)
        states.append(
            CellState(
                name, policy.region, policy.is_open, counts.get(name, 0), policy.most_tenants, spares.get(name, 0),
                not error, error, *(facts or ()),
            )
        )  # fmt: skip
    return states


def _least_busy(cells: Sequence[str]) -> str | None:
    waiting: dict[str, int] = {}
    for name in cells:
        facts, _ = _ask(name, WAITING)
        if facts is not None:
            waiting[name] = facts[0]
    return min(waiting, key=lambda name: waiting[name]) if waiting else None


def _ask(cell: str, query: str) -> tuple[tuple[Any, ...] | None, str]:
    """One row of a cell's own facts, or why there is none."""
    try:
        with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone(), ""
    except (DatabaseError, InterfaceError) as error:
        connections[cell].close()
        text = str(error).strip()
        log.warning("cell.does_not_answer", cell=cell, error=text)
        return None, text
