"""Transactions on the current tenant's cell; Django's own default alias is the control plane."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from types import TracebackType
from typing import Any, cast, overload

from django.db import connections, transaction

from tenants.tenancy.backend.base import DatabaseWrapper
from tenants.tenancy.context import CellScope, TenantRef, current_scope, current_tenant, tenant_scope
from tenants.tenancy.errors import NoTenant


def current_alias() -> str:
    """The database alias of the open scope.

    Raises: NoTenant when none is open.
    """
    scope = current_scope()
    if scope is None:
        raise NoTenant("No tenant's scope is open here.")
    return scope.cell


class Atomic(ContextDecorator):
    """``transaction.atomic`` whose database is found when the block is entered, not when it is declared."""

    def __init__(self, *, durable: bool = False, savepoint: bool = True) -> None:
        self.durable, self.savepoint = durable, savepoint
        self._open: list[transaction.Atomic] = []

    def _recreate_cm(self) -> "Atomic":
        return Atomic(durable=self.durable, savepoint=self.savepoint)

    def __enter__(self) -> None:
        block = transaction.atomic(using=current_alias(), durable=self.durable, savepoint=self.savepoint)
        block.__enter__()
        self._open.append(block)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.pop().__exit__(kind, value, trace)


@overload
def atomic[F: Callable[..., Any]](function: F) -> F: ...


@overload
def atomic(function: None = None, *, durable: bool = False, savepoint: bool = True) -> Atomic: ...


def atomic[F: Callable[..., Any]](
    function: F | None = None, *, durable: bool = False, savepoint: bool = True
) -> Any:
    """``@atomic`` or ``with atomic():`` on the current tenant's cell.

    Raises: NoTenant when no scope is open.
    """
    block = Atomic(durable=durable, savepoint=savepoint)
    return block(function) if function is not None else block


def on_commit(function: Callable[[], Any]) -> None:
    """Call ``function`` after the current tenant's transaction has been committed, in the same scope."""
    scope = current_scope()

    def run() -> None:
        if isinstance(scope, TenantRef):
            with tenant_scope(scope):
                function()
        else:
            function()

    transaction.on_commit(run, using=current_alias())


def wait_for_turn(name: str) -> None:
    """Let one transaction of the current tenant at a time go on from here; the next when this one has ended.

    For writes that first look whether a row is there, where no constraint could say that it is.
    """
    tenant = current_tenant()
    # The lock is taken as the login role: a tenant's own role may take none, so nobody can hold up the others.
    digest = hashlib.blake2b(f"{tenant.id}/{name}".encode(), digest_size=8).digest()
    key = int.from_bytes(digest, signed=True)
    cast(DatabaseWrapper, connections[tenant.cell]).control(f"SELECT pg_catalog.pg_advisory_xact_lock({key})")


def outside_transaction[F: Callable[..., Any]](view: F) -> F:
    """Mark a view that talks to the outside: its request gets no transaction, it opens its own short ones."""
    view.outside_transaction = True  # type: ignore[attr-defined]
    return view


@contextmanager
def infrastructure_transaction(cell: str) -> Iterator[None]:
    """A transaction on a cell's shared tables (the scope must be a :class:`CellScope`)."""
    scope = current_scope()
    if not isinstance(scope, CellScope) or scope.cell != cell:
        raise NoTenant("This needs the cell's own scope.")
    with transaction.atomic(using=cell):
        yield


def in_transaction() -> bool:
    """Whether the current scope's connection has a transaction open."""
    return connections[current_alias()].in_atomic_block
