"""A short proof that a new tenant is walled in: it sees a canary of its own, and is refused everybody else's rows."""

import secrets
from typing import Final

from django.db import ProgrammingError, connections
from psycopg import sql

from tenants.foundation.errors import Conflict
from tenants.tenancy.context import TenantRef, tenant_scope
from tenants.tenancy.transactions import atomic

REFUSED: Final = "42501"  # insufficient_privilege
WHO = "SELECT current_user, current_schema()"
CANARY = "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (%s, '', now())"
SEEN = "SELECT count(*) FROM django_session WHERE session_key = %s"
WORK_OF_ALL = "SELECT count(*) FROM tenants_workitem"
THEIRS = "SELECT count(*) FROM {}.django_session"


class NotIsolated(Conflict):
    """A tenant's walls do not hold: it must not be opened."""

    default_code = "tenancy.not_isolated"
    default_message = "The company's schema is not walled off from the others."


class _Undo(Exception):
    """Takes the canary away again."""


def check_isolation(tenant: TenantRef, neighbour: str | None) -> list[str]:
    """Try the walls of ``tenant`` from inside; ``neighbour`` is another schema of its cell, where there is one.

    Returns what was tried. Leaves nothing behind. Raises: NotIsolated, saying which wall did not hold.
    """
    tried = ["own role and schema", "own canary", "work of all"]
    with tenant_scope(tenant):
        _see_own(tenant)
        _be_refused(tenant, sql.SQL(WORK_OF_ALL), "the work of all companies")
        if neighbour is not None:
            tried.append("a neighbour's rows")
            _be_refused(tenant, sql.SQL(THEIRS).format(sql.Identifier(neighbour)), "another company's rows")
    return tried


def _see_own(tenant: TenantRef) -> None:
    key = f"canary{secrets.token_hex(16)}"
    try:
        with atomic(), connections[tenant.cell].cursor() as cursor:
            cursor.execute(WHO)
            if cursor.fetchone() != (tenant.role, tenant.schema):
                raise NotIsolated("The company does not work as its own role in its own schema.")
            cursor.execute(CANARY, [key])
            cursor.execute(SEEN, [key])
            if cursor.fetchone() != (1,):
                raise NotIsolated("The company does not see its own rows.")
            raise _Undo
    except _Undo:
        return


def _be_refused(tenant: TenantRef, query: sql.Composable, what: str) -> None:
    try:
        with atomic(), connections[tenant.cell].cursor() as cursor:
            cursor.execute(query)
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", "") != REFUSED:
            raise
        return
    raise NotIsolated(f"The company can read {what}.")
