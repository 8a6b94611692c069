"""Which tenant the running code works for: a context variable, unset unless a scope is open."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

import structlog

from tenants.tenancy.errors import NoTenant, TenancyError

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


@dataclass(frozen=True, slots=True)
class TenantRef:
    """What a scope needs to know of a tenant. ``schema`` and ``role`` are names made by us, never a person's text."""

    id: UUID
    slug: str
    name: str
    cell: str
    schema: str
    role: str
    state: str
    language: str = "en"
    time_zone: str = "UTC"
    brand_color: str = "#5b5bd6"
    state_reason: str = ""

    def __post_init__(self) -> None:
        for name in (self.schema, self.role):
            if not IDENTIFIER.fullmatch(name):
                raise TenancyError("A tenant's schema and role must be plain identifiers.")


@dataclass(frozen=True, slots=True)
class CellScope:
    """The whole cell, as the login role: for dispatch, ledgers and audits of the platform itself."""

    cell: str


_scope: ContextVar[TenantRef | CellScope | None] = ContextVar("tenancy_scope", default=None)


def current_scope() -> TenantRef | CellScope | None:
    """The open scope, whatever its kind."""
    return _scope.get()


def current_tenant_or_none() -> TenantRef | None:
    """The tenant the running code works for, if any."""
    scope = _scope.get()
    return scope if isinstance(scope, TenantRef) else None


def current_tenant() -> TenantRef:
    """The tenant the running code works for.

    Raises: NoTenant when no tenant's scope is open.
    """
    tenant = current_tenant_or_none()
    if tenant is None:
        raise NoTenant("No tenant's scope is open here.")
    return tenant


@contextmanager
def tenant_scope(tenant: TenantRef) -> Iterator[TenantRef]:
    """Work for ``tenant`` until the block ends, however it ends; scopes may be nested."""
    token = _scope.set(tenant)
    try:
        with structlog.contextvars.bound_contextvars(tenant=tenant.slug):
            yield tenant
    finally:
        _scope.reset(token)


@contextmanager
def cell_scope(cell: str) -> Iterator[None]:
    """Work on the shared tables of one cell; only for the platform's own machinery."""
    token = _scope.set(CellScope(cell))
    try:
        yield
    finally:
        _scope.reset(token)
