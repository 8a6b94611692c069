"""Refuses in a test what the product refuses outside one: SQL that no transaction of its own surrounds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from tenants.tenancy.errors import NoTransaction

_OF_TRANSACTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


@contextmanager
def own_transactions_only(alias: str) -> Iterator[None]:
    """Have each statement on a database need a transaction begun in here.

    A test runs inside one transaction, so that code which forgot to open its own would pass there and fail in the
    product. Does nothing where the test holds none.
    """
    connection = connections[alias]
    if not connection.in_atomic_block:
        yield
        return
    depth = len(connection.savepoint_ids)

    def send(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        is_bare = len(connection.savepoint_ids) <= depth
        if is_bare and not str(sql).startswith(_OF_TRANSACTIONS):
            raise NoTransaction(f"This was sent outside a transaction: {str(sql)[:200]}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(send):
        yield
