"""Moves in tests: a company's own, stopped wherever a test wants to look at it."""

from collections.abc import Callable
from typing import Any

import pytest

from tenants.lifecycle.moving import STEPS, move_tenant, start_move, switching
from tenants.lifecycle.operations import Run, Step, abandon, register_saga, run_operation
from tenants.lifecycle.transitions import change_state
from tenants.models import Operation
from tenants.tenancy import TenantRef
from tests.tenants.lifecycle.moving.places import ask

Look = Callable[[Run], None]


def nothing(_run: Run) -> None:
    """What is done at most steps."""


class Mover:
    """Moves a company to the other cell and has something done before or after its steps."""

    def __init__(self, tenant: TenantRef) -> None:
        self.tenant = tenant
        self.looks: dict[str, Look] = {}
        self.after_looks: dict[str, Look] = {}

    def before(self, step: str, look: Look) -> None:
        """Call ``look`` when ``step`` is about to begin."""
        self.looks[step] = look
        self._watch()

    def after(self, step: str, look: Look) -> None:
        """Call ``look`` when ``step`` has done what it does and has not said so yet."""
        self.after_looks[step] = look
        self._watch()

    def _watch(self) -> None:
        register_saga("move", *(self._watched(known) for known in STEPS))

    def _watched(self, step: Step) -> Step:
        def do(run: Run) -> None:
            self.looks.get(step.name, nothing)(run)
            step.do(run)
            self.after_looks.get(step.name, nothing)(run)

        return Step(step.name, do, step.undo, is_final=step.is_final, lease_seconds=step.lease_seconds)

    def move(self, to: str = "cell_2", **options: Any) -> Operation:
        """Move it to the end."""
        return move_tenant(slug=self.tenant.slug, to=to, asked_by="test", may_change_region=True, **options)

    def move_or_undo(self, to: str = "cell_2", **options: Any) -> Operation:
        """Move it, or have it undone; returns how it ended."""
        operation = start_move(
            slug=self.tenant.slug, to=to, asked_by="test", may_change_region=True, **options
        )
        return run_operation(operation.pk)

    def shared_rows(self, cell: str) -> list[Any]:
        """Tables of a cell that have rows of the company."""
        return [
            table
            for table in ("tenants_workitem", "tenants_tenantqueue", "tenants_migrationledger")
            if ask(cell, f"SELECT 1 FROM {table} WHERE tenant_id = %s", [self.tenant.id])
        ]

    def work_items(self, cell: str) -> list[Any]:
        """The company's jobs in a cell."""
        query = "SELECT id, kind, state, attempts, slot, payload FROM tenants_workitem WHERE tenant_id = %s ORDER BY id"
        return ask(cell, query, [self.tenant.id])

    def is_paused(self, cell: str) -> bool:
        """Whether the company's jobs wait there."""
        rows = ask(cell, "SELECT is_paused FROM tenants_tenantqueue WHERE tenant_id = %s", [self.tenant.id])
        return bool(rows and rows[0][0])

    def go_on(self, operation: Operation) -> Operation:
        """Have a move gone on with that waits for something."""
        return run_operation(operation.pk)

    def undo(self, operation: Operation) -> Operation:
        """Give it up."""
        return abandon(operation.pk, reason="The test wants it so.")


@pytest.fixture
def mover(committed_tenant: TenantRef, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves of a company of its own. Nobody else has a directory here, so nobody has to be waited for."""
    monkeypatch.setattr(switching, "SETTLE_SECONDS", 0.05)
    yield Mover(committed_tenant)
    register_saga("move", *STEPS)


@pytest.fixture
def set_state(mover: Mover) -> Callable[..., None]:
    """Brings the company into a state."""

    def change(state: str, reason: str = "") -> None:
        change_state(mover.tenant.id, state, reason=reason)

    return change
