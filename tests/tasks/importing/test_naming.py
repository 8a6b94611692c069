"""Departments and projects by name, also when two syncs of one company make them at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connections

from tasks.importing.naming import departments_named, projects_named
from tenants.tenancy import TenantRef, atomic, tenant_scope

type Namer = Callable[[Iterable[str]], Mapping[str, Any]]


@pytest.mark.parametrize("named", [departments_named, projects_named])
def test_a_key_taken_at_the_same_moment_by_another_name_does_not_lose_ours(
    committed_tenant: TenantRef, named: Namer
) -> None:
    """Finance and Finanzen both want the key FIN; whoever comes second gets another one."""
    first_has_written = Event()
    found: dict[str, Any] = {}

    def first() -> None:
        with tenant_scope(committed_tenant):
            with atomic():
                named(["Finance"])
                first_has_written.set()
                # The other one now waits for this transaction.
                Event().wait(0.5)
            connections.close_all()

    def second() -> None:
        first_has_written.wait(10)
        with tenant_scope(committed_tenant):
            with atomic():
                found.update(named(["Finanzen"]))
            connections.close_all()

    threads = [Thread(target=first), Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert found["finanzen"].key == "FIN2"
