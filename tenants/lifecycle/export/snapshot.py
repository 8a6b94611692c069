"""One moment of one company: a transaction that reads as the company's own role and sees nothing newer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from django.conf import settings
from psycopg import sql

from tenants.tenancy import TenantRef

type Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def snapshot(tenant: TenantRef) -> Iterator[Connection]:
    """A REPEATABLE READ, read-only transaction in the tenant's schema, with the rights of its role and no more.

    It has a connection of its own, because a long export must not hold one of those that answer requests; writers
    are not kept waiting by it.
    """
    parts = settings.DATABASES[tenant.cell]
    with psycopg.connect(
        host=parts["HOST"], port=parts["PORT"], user=parts["USER"], password=parts["PASSWORD"], dbname=parts["NAME"],
        application_name="notion-task-sync export", connect_timeout=10, prepare_threshold=None,
        client_encoding="utf-8",
    ) as connection:  # fmt: skip
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            connection.execute(
                sql.SQL(
                    "SET LOCAL ROLE {role}; SET LOCAL search_path = {schema};"
                    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1;"
                    # A large table takes as long as it takes; the login role's limits are for answers.
                    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
                ).format(role=sql.Identifier(tenant.role), schema=sql.Identifier(tenant.schema))
            )
            yield connection


@contextmanager
def reading_catalogs(connection: Connection, tenant: TenantRef) -> Iterator[None]:
    """Within the snapshot, as the login role: a tenant's own role may not read the server's catalogs."""
    connection.execute("SET LOCAL ROLE NONE")
    yield
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(tenant.role)))


def moment_of(connection: Connection) -> datetime:
    """When the snapshot was taken."""
    row = connection.execute("SELECT transaction_timestamp()").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]
