"""Carries any kind of run out: it knows which of them does what."""

from collections.abc import Callable
from uuid import UUID

from integrations.models import SyncRun
from integrations.sync.engine import carry_out
from integrations.sync.safety.dry_run import carry_out_dry_run
from integrations.sync.safety.undo import carry_out_undo
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic


def carry_out_run(*, run_id: UUID, heartbeat: Callable[[], None]) -> None:
    """Carry a run out, from where it stands to its end.

    Call it outside a transaction. Safe to call again after any interruption, and for a run that has ended or is held.
    Raises: NotFound, LimitReached (go on after `retry_after_seconds`), LeaseLost.
    """
    with atomic():
        run = SyncRun.objects.select_related("connection").filter(pk=run_id).first()
        if run is None:
            raise NotFound("There is no such run.")
        if not run.is_open or run.held_for:
            return
        parts = list(run.collections.select_related("collection"))
    if run.kind == SyncRun.Kind.DRY_RUN:
        carry_out_dry_run(run, parts, heartbeat=heartbeat)
    elif run.kind == SyncRun.Kind.UNDO:
        carry_out_undo(run, heartbeat=heartbeat)
    else:
        carry_out(run, parts, heartbeat=heartbeat)
