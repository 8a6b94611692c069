"""Hands due rows out: one pass per cell, the least-served tenant first, never more than may be in flight."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.sharing import Candidate, Plan, share_out
from tenants.foundation.platform import PLATFORM_WORK

# A replica that hangs with the clock's lock must not stop the others for long.
GUARD = "SET LOCAL idle_in_transaction_session_timeout = '15s'; SET LOCAL statement_timeout = '30s'"
LOCK_CLOCK = "SELECT virtual_time FROM tenants_dispatchclock WHERE id = 1 FOR UPDATE SKIP LOCKED"
IN_FLIGHT = """
SELECT tenant_id, count(*) FROM tenants_workitem WHERE state IN ('handed', 'running') GROUP BY tenant_id
"""
# The recursion jumps from tenant to tenant in the index of ready rows: its cost is the number of tenants that
# have some, not the number of rows. Each tenant's due rows are counted no further than it has places. The
# interval of nothing hides the due time from the index of all due rows: with old statistics the planner has gone
# through that one once per tenant, two seconds instead of forty milliseconds for ten thousand tenants.
CANDIDATES = """
WITH RECURSIVE waiting (tenant_id) AS (
    (SELECT tenant_id FROM tenants_workitem WHERE state = 'ready' ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT w.tenant_id FROM tenants_workitem w
            WHERE w.state = 'ready' AND w.tenant_id > waiting.tenant_id ORDER BY w.tenant_id LIMIT 1)
    FROM waiting WHERE waiting.tenant_id IS NOT NULL
)
SELECT waiting.tenant_id, coalesce(q.virtual_time, 0), coalesce(q.weight, 1), due.places
FROM waiting
LEFT JOIN tenants_tenantqueue q USING (tenant_id)
LEFT JOIN unnest(%(busy)s::uuid[], %(counts)s::int[]) AS f (tenant_id, n) USING (tenant_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS places FROM (
        SELECT 1 FROM tenants_workitem w
        WHERE w.tenant_id = waiting.tenant_id AND w.state = 'ready' AND w.due_at + interval '0' <= statement_timestamp()
        LIMIT least(%(places)s, greatest(0, coalesce(q.max_inflight, %(per_tenant)s) - coalesce(f.n, 0)))
    ) some_due
) due
WHERE waiting.tenant_id IS NOT NULL AND NOT coalesce(q.is_paused, false) AND due.places > 0
"""
HAND = """
UPDATE tenants_workitem
SET state = 'handed', lease_token = NULL,
    lease_expires_at = statement_timestamp() + make_interval(secs => %(patience)s)
FROM unnest(%(tenants)s::uuid[], %(counts)s::int[]) AS share (tenant_id, n)
CROSS JOIN LATERAL (
    SELECT w.id AS picked, row_number() OVER (ORDER BY w.priority, w.due_at, w.id) AS position FROM (
        SELECT id, priority, due_at FROM tenants_workitem
        WHERE tenant_id = share.tenant_id AND state = 'ready' AND due_at + interval '0' <= statement_timestamp()
        ORDER BY priority, due_at, id LIMIT share.n FOR UPDATE SKIP LOCKED
    ) w
) chosen
WHERE id = chosen.picked
RETURNING tenants_workitem.tenant_id, id, chosen.position, starts_with(kind, %(platform)s)
"""
REMEMBER = """
INSERT INTO tenants_tenantqueue (tenant_id, weight, virtual_time, max_inflight, is_paused)
SELECT tenant_id, 1, virtual_time, %s, false
FROM unnest(%s::uuid[], %s::float8[]) AS t (tenant_id, virtual_time)
ON CONFLICT (tenant_id) DO UPDATE SET virtual_time = excluded.virtual_time
"""
TICK = "UPDATE tenants_dispatchclock SET virtual_time = %s, passed_at = statement_timestamp() WHERE id = 1"
TAKE_BACK = """
UPDATE tenants_workitem SET state = 'ready', lease_expires_at = NULL WHERE id = ANY(%s) AND state = 'handed'
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass did: rows to send, in turn; whether places or another replica kept it from doing more.

    ``platforms`` are those of the rows that are the platform's own work.
    """

    items: tuple[UUID, ...] = ()
    platforms: frozenset[UUID] = frozenset()
    is_full: bool = False
    is_busy: bool = False


def hand_out(cell: str, *, most: int | None = None) -> Pass:
    """Mark due rows as handed, in the order in which they are to be sent.

    The clock's row lock lets one replica at a time do this, so the limits hold exactly however many there
    are; a replica that finds it locked leaves the pass to the other. At most ``most`` rows
    (``DISPATCH_INFLIGHT_TOTAL`` when not given) are handed out or running at once.
    """
    limit = settings.DISPATCH_INFLIGHT_TOTAL if most is None else most
    if not has_due_work(cell):
        return Pass()
    with cell_transaction(cell) as cursor:
        clock = lock_clock(cursor)
        if clock is None:
            return Pass(is_busy=True)
        cursor.execute(IN_FLIGHT)
        in_flight = dict(cursor.fetchall())
        places = limit - sum(in_flight.values())
        if places <= 0:
            return Pass(is_full=True)
        plan = share_out(_candidates(cursor, in_flight, places), places=places, clock=clock)
        items, platforms = _hand(cursor, plan)
        cursor.execute(TICK, [plan.clock])
    return Pass(items=items, platforms=platforms, is_full=len(items) >= places)


def has_due_work(cell: str) -> bool:
    """Whether any row is due: one look at an index, without a lock."""
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM tenants_workitem"
            " WHERE state = 'ready' AND due_at <= statement_timestamp())"
        )
        return bool(cursor.fetchone()[0])


def lock_clock(cursor: CursorWrapper) -> float | None:
    """Lock the cell's clock until the transaction ends; None when another replica has it."""
    cursor.db.control(GUARD)
    cursor.execute(LOCK_CLOCK)
    row = cursor.fetchone()
    if row is not None:
        return float(row[0])
    cursor.execute(
        "INSERT INTO tenants_dispatchclock (id, virtual_time) VALUES (1, 0)"
        " ON CONFLICT DO NOTHING RETURNING 0"
    )
    return 0.0 if cursor.fetchone() else None


def take_back(cell: str, items: Sequence[UUID]) -> None:
    """Make rows ready again whose messages could not be sent."""
    with cell_transaction(cell) as cursor:
        cursor.execute(TAKE_BACK, [list(items)])


def _candidates(cursor: CursorWrapper, in_flight: dict[UUID, int], places: int) -> list[Candidate]:
    cursor.execute(
        CANDIDATES,
        {
            "busy": list(in_flight),
            "counts": list(in_flight.values()),
            "places": places,
            "per_tenant": settings.DISPATCH_INFLIGHT_PER_TENANT,
        },
    )
    return [Candidate(*row) for row in cursor.fetchall()]


def _hand(cursor: CursorWrapper, plan: Plan) -> tuple[tuple[UUID, ...], frozenset[UUID]]:
    """The rows in turn, and those of them that are the platform's own work."""
    counts: dict[UUID, int] = defaultdict(int)
    for tenant_id in plan.turns:
        counts[tenant_id] += 1
    cursor.execute(
        HAND,
        {
            "patience": float(settings.DISPATCH_HANDED_SECONDS),
            "tenants": list(counts),
            "counts": list(counts.values()),
            "platform": PLATFORM_WORK,
        },
    )
    rows = sorted(cursor.fetchall(), key=lambda row: row[2])
    cursor.execute(
        REMEMBER,
        [settings.DISPATCH_INFLIGHT_PER_TENANT, list(plan.virtual_times), list(plan.virtual_times.values())],
    )
    queues: dict[UUID, deque[UUID]] = defaultdict(deque)
    for tenant_id, item_id, *_ in rows:
        queues[tenant_id].append(item_id)
    # A row another transaction held was skipped, so a turn may come to nothing.
    items = tuple(queues[tenant_id].popleft() for tenant_id in plan.turns if queues[tenant_id])
    return items, frozenset(item_id for _, item_id, _, is_platforms in rows if is_platforms)
