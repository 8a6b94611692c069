"""The two places of a move, and transactions in them that only one process at a time can have."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tenants.foundation.errors import NotFound
from tenants.lifecycle.operations import Run
from tenants.models import Tenant
from tenants.tenancy.databases import owner_connection

type Connection = psycopg.Connection[tuple[Any, ...]]

# A process that lost its lease without knowing (it was stopped, and goes on) waits here or finds itself replaced.
CLAIM = "SELECT pg_advisory_xact_lock(hashtext('notion-task-sync move'), hashtext(%s))"


@dataclass(frozen=True, slots=True)
class Move:
    """One move: whose rows, from which cell to which, and the operation it is done under.

    ``log_schema`` is the schema in the source that holds what the move itself has to remember there; no tenant's
    role can reach it.
    """

    run: Run
    tenant_id: UUID
    slug: str
    schema: str
    role: str
    source: str
    target: str

    @property
    def log_schema(self) -> str:
        """The move's own schema in the source."""
        return f"move_{self.schema}"

    @contextmanager
    def at(self, cell: str) -> Iterator[Connection]:
        """A transaction of the owner in a cell, committed at the block's end; nobody else works on the move meanwhile.

        Raises: OperationLost, OperationalError when another process is just at work.
        """
        with owner_connection(f"{cell}_owner") as connection:
            connection.execute(CLAIM, [self.schema])
            self.run.beat()
            yield connection

    @contextmanager
    def reading(self, cell: str) -> Iterator[Connection]:
        """One snapshot of a cell, as its owner."""
        with owner_connection(f"{cell}_owner") as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield connection

    def table(self, name: str) -> sql.Identifier:
        """A table of the company."""
        return sql.Identifier(self.schema, name)

    def own(self, name: str) -> sql.Identifier:
        """A table of the move."""
        return sql.Identifier(self.log_schema, name)


def move_of(run: Run) -> Move:
    """What an operation of the kind "move" is about. Raises: NotFound when the company is gone."""
    tenant_id = run.operation.tenant_id
    tenant = Tenant.objects.filter(pk=tenant_id).first() if tenant_id else None
    if tenant is None:
        raise NotFound("The company that was to be moved is gone.", code="moves.no_company")
    return Move(
        run=run, tenant_id=tenant.pk, slug=tenant.slug, schema=tenant.schema, role=tenant.role,
        source=run.input["from"], target=run.input["to"],
    )  # fmt: skip
