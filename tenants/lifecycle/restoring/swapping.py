"""The restored schema takes the live one's place, or gives it back: one short transaction, the other schema kept."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from django.conf import settings
from psycopg import sql

from tenants.backups.copying import LEDGER, WORK
from tenants.lifecycle.restoring.carrying import carry_over
from tenants.models import Tenant
from tenants.tenancy.databases import TENANT_GROUP, owner_connection
from tenants.tenancy.migrations import schema_lock
from tenants.tenancy.provisioning import QUEUES, ROLES, schema_exists

type Connection = psycopg.Connection[tuple[Any, ...]]
PARKED_WORK: Final = "nts_parked_work"
PARKED_LEDGER: Final = "nts_parked_ledger"
ATTEMPTS, PAUSE_SECONDS = 10, 0.5

GRANTS = sql.SQL("""
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}
""")
# What is put aside belongs to nobody's role: it cannot be read, and does not keep the role from being dropped.
REVOKES = sql.SQL("""
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role};
REVOKE ALL ON SCHEMA {schema} FROM {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE ALL ON TABLES FROM {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE ALL ON SEQUENCES FROM {role}
""")
# Who still works was given its time: its run is worth nothing any more, and does not count.
FENCE = """
UPDATE tenants_workitem SET state = 'ready', lease_token = NULL, lease_expires_at = NULL,
    attempts = greatest(0, attempts - 1)
WHERE tenant_id = %s AND state = 'running'
"""
# Work that was asked for after the moment speaks of rows that are gone again; recurring work goes on.
PARK = sql.SQL("""
CREATE TABLE {work} AS SELECT * FROM public.tenants_workitem
  WHERE tenant_id = {tenant} AND state IN ('ready', 'handed') AND every_seconds IS NULL AND created_at > {moment};
DELETE FROM public.tenants_workitem w USING {work} p WHERE w.id = p.id;
CREATE TABLE {ledger} AS SELECT * FROM public.tenants_migrationledger WHERE tenant_id = {tenant}
""")
# Everything open that is younger than the moment was asked for in the restored schema, and its rows go with that.
FORGET = sql.SQL("""
DELETE FROM public.tenants_workitem
  WHERE tenant_id = {tenant} AND state IN ('ready', 'handed') AND every_seconds IS NULL AND created_at > {moment}
""")
UNPARK = sql.SQL("""
INSERT INTO public.tenants_workitem SELECT * FROM {work} ON CONFLICT DO NOTHING;
DELETE FROM public.tenants_migrationledger WHERE tenant_id = {tenant};
INSERT INTO public.tenants_migrationledger SELECT * FROM {ledger} ON CONFLICT DO NOTHING;
DROP TABLE {work}; DROP TABLE {ledger}
""")
# Work that was open at the moment and was done since has had its effect taken back, so it is done again.
TAKE_UP = sql.SQL("""
DELETE FROM public.tenants_migrationledger WHERE tenant_id = {tenant};
INSERT INTO public.tenants_migrationledger (id, tenant_id, app, name, applied_at)
  SELECT gen_random_uuid(), {tenant}, app, name, applied_at FROM {ledger};
DELETE FROM public.tenants_workitem w USING {work} r WHERE w.id = r.id AND w.state IN ('done', 'dead');
INSERT INTO public.tenants_workitem
    (id, tenant_id, tenant_role, kind, object_id, payload, slot, priority, state, due_at, every_seconds, attempts,
     last_error, created_at)
  SELECT id, tenant_id, {role_name}, kind, object_id, payload, slot, priority, 'ready', greatest(due_at, now()),
         every_seconds, 0, '', created_at FROM {work} ON CONFLICT DO NOTHING;
DROP TABLE {work}; DROP TABLE {ledger}
""")


@dataclass(frozen=True, slots=True)
class Swap:
    """Whose schema, and the names of the one that comes and of the one that goes."""

    tenant_id: UUID
    cell: str
    schema: str
    role: str
    restored: str
    replaced: str

    @classmethod
    def of(cls, tenant: Tenant, operation_id: UUID) -> "Swap":
        """The names follow from the operation, so that whoever takes it up finds them."""
        mark = operation_id.hex[-10:]
        return cls(
            tenant.pk, tenant.cell, tenant.schema, tenant.role,
            restored=f"{tenant.schema}_r{mark}", replaced=f"{tenant.schema}_before_{mark}",
        )  # fmt: skip


def put_in_place(swap: Swap, *, moment: datetime, keeps_access: bool, beat: Callable[[], None]) -> None:
    """Let the restored schema be the company's from now on; nothing happens when it is already.

    Transactions under way are waited for; those that come meanwhile find the restored rows. Raises: psycopg.Error.
    """

    def step(connection: Connection) -> None:
        if not schema_exists(connection, swap.restored):
            return
        if schema_exists(connection, swap.schema):
            _lock_tables(connection, swap.schema)
            connection.execute(FENCE, [swap.tenant_id])
            carry_over(connection, live=swap.schema, restored=swap.restored, keeps_access=keeps_access)
            _run(connection, PARK, swap, swap.schema, PARKED_WORK, PARKED_LEDGER, moment=sql.Literal(moment))
            _run(connection, REVOKES, swap, swap.schema)
            _rename(connection, swap.schema, swap.replaced)
        _rename(connection, swap.restored, swap.schema)
        _ensure_role(connection, swap)
        role_name = sql.Literal(swap.role)
        _run(connection, TAKE_UP, swap, swap.schema, WORK, LEDGER, role_name=role_name)
        _run(connection, GRANTS, swap, swap.schema)
        # One whose schema was dropped has lost its place in the queue with it.
        connection.execute(QUEUES, [settings.DISPATCH_INFLIGHT_PER_TENANT, [swap.tenant_id]])

    _patiently(swap, step, beat)


def put_back(swap: Swap, *, moment: datetime, to: str, beat: Callable[[], None]) -> bool:
    """Let what was replaced be the company's again, and the restored one be called ``to``; False when there is nothing
    to put back. Raises: psycopg.Error."""
    done = False

    def step(connection: Connection) -> None:
        nonlocal done
        if not schema_exists(connection, swap.replaced):
            return
        if schema_exists(connection, swap.schema):
            _lock_tables(connection, swap.schema)
            connection.execute(FENCE, [swap.tenant_id])
            _run(connection, REVOKES, swap, swap.schema)
            _rename(connection, swap.schema, to)
            names = {"tenant": sql.Literal(swap.tenant_id), "moment": sql.Literal(moment)}
            connection.execute(FORGET.format(**names))
        _rename(connection, swap.replaced, swap.schema)
        _run(connection, UNPARK, swap, swap.schema, PARKED_WORK, PARKED_LEDGER)
        _run(connection, GRANTS, swap, swap.schema)
        done = True

    _patiently(swap, step, beat)
    return done


def remove_schema(cell: str, schema: str) -> None:
    """Drop a schema that is nobody's any more; does nothing where it is gone."""
    with owner_connection(f"{cell}_owner") as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@contextmanager
def _alone(swap: Swap) -> Iterator[Connection]:
    with owner_connection(f"{swap.cell}_owner") as connection:
        connection.execute("SET LOCAL lock_timeout = '2s'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [schema_lock(swap.tenant_id)])
        yield connection


def _patiently(swap: Swap, step: Callable[[Connection], None], beat: Callable[[], None]) -> None:
    """Whoever waits for tables' locks makes all others wait behind it: so briefly, and again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _alone(swap) as connection:
                step(connection)
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == ATTEMPTS:
                raise
            beat()
            time.sleep(PAUSE_SECONDS)


def _lock_tables(connection: Connection, schema: str) -> None:
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY c.relname",
        [schema],
    ).fetchall()
    if rows:
        names = sql.SQL(", ").join([sql.Identifier(schema, str(name)) for (name,) in rows])
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))


def _rename(connection: Connection, schema: str, to: str) -> None:
    connection.execute(
        sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(schema), sql.Identifier(to))
    )


def _ensure_role(connection: Connection, swap: Swap) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [swap.role]).fetchone():
        return
    role = sql.Identifier(swap.role)
    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    grants = sql.SQL(ROLES).format(
        group=sql.Identifier(TENANT_GROUP), roles=role, login=sql.Identifier(settings.DATABASES[swap.cell]["USER"])
    )  # fmt: skip
    connection.execute(grants.as_bytes(connection))


def _run(
    connection: Connection,
    script: sql.SQL,
    swap: Swap,
    schema: str,
    work: str = "",
    ledger: str = "",
    **values: sql.Composable,
) -> None:
    connection.execute(
        script.format(
            schema=sql.Identifier(schema), role=sql.Identifier(swap.role), tenant=sql.Literal(swap.tenant_id),
            work=sql.Identifier(schema, work), ledger=sql.Identifier(schema, ledger), **values,
        ).as_bytes(connection)
    )  # fmt: skip
