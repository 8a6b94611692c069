"""A company's jobs change cells too: taken out of one queue, put into the other, never waiting in both."""

from psycopg import sql

from tenants.lifecycle import quieting
from tenants.lifecycle.moving.places import Connection, Move
from tenants.lifecycle.moving.tables import listed
from tenants.models import WorkItem

COLUMNS = tuple(str(field.column) for field in WorkItem._meta.concrete_fields)

# Whoever holds a lease of such a row finds it gone; messages on their way find nothing to take.
TAKE_OUT = """
WITH gone AS (DELETE FROM public.tenants_workitem WHERE tenant_id = %s AND state <> 'done' RETURNING {columns})
INSERT INTO {work} ({columns}) SELECT {columns} FROM gone
"""
# What had a worker when the company's writes ended begins anew; that run does not count.
FRESH = """
UPDATE {work} SET state = 'ready', lease_token = NULL, lease_expires_at = NULL,
    attempts = CASE state WHEN 'running' THEN greatest(0, attempts - 1) ELSE attempts END
WHERE state IN ('handed', 'running')
"""
PUT_BACK = """
WITH back AS (DELETE FROM {work} RETURNING {columns})
INSERT INTO public.tenants_workitem ({columns}) SELECT {columns} FROM back ON CONFLICT DO NOTHING
"""
PUT_IN = """
INSERT INTO public.tenants_workitem ({columns}) SELECT {columns} FROM arriving ON CONFLICT DO NOTHING
"""
SHARE = """
UPDATE tenants_tenantqueue SET weight = %s, max_inflight = %s,
    virtual_time = coalesce((SELECT min(virtual_time) FROM tenants_tenantqueue), 0)
WHERE tenant_id = %s
"""


def is_paused(move: Move, cell: str) -> bool:
    """Whether the company's jobs wait in a cell, whatever is due."""
    with move.at(cell) as connection:
        return quieting.is_paused(connection, move.tenant_id)


def pause(move: Move, cell: str, *, paused: bool) -> None:
    """Have none of the company's jobs handed out in a cell, or have them handed out again."""
    with move.at(cell) as connection:
        quieting.pause(connection, move.tenant_id, paused=paused)


def wait_for_jobs(move: Move, *, seconds: float) -> int:
    """Give running jobs time to end by themselves; returns how many were still at it then."""

    def look() -> int:
        with move.at(move.source) as connection:
            return quieting.busy_jobs(connection, move.tenant_id)

    return quieting.wait_for_jobs(
        look, seconds=seconds, tell=lambda busy: move.run.progress(waiting_for_jobs=busy)
    )


def take_out(move: Move) -> None:
    """Take what is not done out of the source's queue into the move's own table, in one transaction."""
    with move.at(move.source) as connection:
        connection.execute(_filled(move, TAKE_OUT), [move.tenant_id])
        connection.execute(_filled(move, FRESH))


def put_in(move: Move, *, for_good: bool = False) -> int:
    """Put what was taken out into the target's queue; what is there already stays. Returns how many came.

    ``for_good``: there is no way back, so nothing is kept for it. The target is committed first.
    """
    with move.at(move.source) as source, move.at(move.target) as target:
        if not for_good:
            # From an attempt that was given up: nobody has worked there yet.
            target.execute("DELETE FROM tenants_workitem WHERE tenant_id = %s", [move.tenant_id])
        target.execute("CREATE TEMP TABLE arriving (LIKE public.tenants_workitem) ON COMMIT DROP")
        _pipe(move, source, target)
        came = target.execute(_filled(move, PUT_IN)).rowcount
        queue = source.execute(
            "SELECT weight, max_inflight FROM tenants_tenantqueue WHERE tenant_id = %s", [move.tenant_id]
        ).fetchone()
        if queue is not None:
            target.execute(SHARE, [*queue, move.tenant_id])
        if for_good:
            source.execute(sql.SQL("DELETE FROM {}").format(move.own("work")))
    return came


def keep_no_longer(move: Move) -> None:
    """Strike what was kept for a way back."""
    with move.at(move.source) as connection:
        connection.execute(sql.SQL("DELETE FROM {}").format(move.own("work")))


def put_back(move: Move) -> None:
    """Undo :func:`take_out`; does nothing where nothing was taken out."""
    with move.at(move.source) as connection:
        row = connection.execute("SELECT to_regclass(%s)", [f"{move.log_schema}.work"]).fetchone()
        if row and row[0]:
            connection.execute(_filled(move, PUT_BACK))


def forget(move: Move, cell: str) -> None:
    """Remove the company's rows from a cell's shared tables."""
    with move.at(cell) as connection:
        for table in ("tenants_workitem", "tenants_tenantqueue", "tenants_migrationledger"):
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)), [move.tenant_id]
            )


def _filled(move: Move, text: str) -> bytes:
    query = sql.SQL(text)
    return query.format(work=move.own("work"), columns=listed(COLUMNS)).as_bytes(None)


def _pipe(move: Move, source: Connection, target: Connection) -> None:
    out = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(move.own("work"), listed(COLUMNS))
    into = sql.SQL("COPY arriving ({}) FROM STDIN (FORMAT binary)").format(listed(COLUMNS))
    with (
        source.cursor() as reader,
        target.cursor() as writer,
        reader.copy(out) as blocks,
        writer.copy(into) as sink,
    ):
        for block in blocks:
            sink.write(block)
