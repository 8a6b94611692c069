"""A tenant passes from one state to another: a table of what may follow what, and the one function that does it."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from tenants.dispatch.services import release_postponed
from tenants.foundation.errors import Conflict, NotFound
from tenants.models import Tenant
from tenants.permissions import PLATFORM_SLUG
from tenants.tenancy.directory import directory
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)
State = Tenant.State
LONGEST_REASON: Final = 300

# An export and a move may not open a door in passing, so they leave the state of a suspended company as it is.
FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    State.PROVISIONING: frozenset({State.ACTIVE}),
    State.ACTIVE: frozenset(
        {State.SUSPENDED, State.READ_ONLY, State.EXPORTING, State.MOVING, State.PENDING_DELETION}
    ),
    State.SUSPENDED: frozenset({State.ACTIVE, State.READ_ONLY, State.PENDING_DELETION}),
    State.READ_ONLY: frozenset({State.ACTIVE, State.SUSPENDED, State.MOVING, State.PENDING_DELETION}),
    State.EXPORTING: frozenset({State.ACTIVE, State.SUSPENDED, State.READ_ONLY}),
    State.MOVING: frozenset({State.ACTIVE, State.READ_ONLY}),
    # A deletion that is called off leads back to what was before it.
    State.PENDING_DELETION: frozenset({State.ACTIVE, State.SUSPENDED, State.READ_ONLY, State.DELETED}),
    State.DELETED: frozenset(),
}


def change_state(
    tenant_id: UUID,
    to: str,
    *,
    reason: str = "",
    asked_by: str = "",
    seen: str | None = None,
    delete_after: datetime | None = None,
) -> Tenant:
    """Bring a tenant into a state; every door and every job goes by it at once. Asking again changes nothing.

    ``reason`` is shown to those who find its doors closed. ``seen``: do it only if the tenant is in this state now.
    ``delete_after`` belongs to ``pending_deletion`` and is forgotten in every other state.
    Raises: NotFound, Conflict (the state does not follow; another one than ``seen``; the platform's own tenant).
    """
    with transaction.atomic(using="default"):
        tenant = Tenant.objects.select_for_update().filter(pk=tenant_id).first()
        if tenant is None:
            raise NotFound("There is no such company.", code="tenants.unknown")
        before = tenant.state
        if seen is not None and before != seen:
            raise Conflict(
                f"The company is {_words(before)} by now, not {_words(seen)}.", code="tenants.state_changed"
            )
        _check(tenant, to)
        if (before, tenant.state_reason, tenant.delete_after) == (to, reason, delete_after):
            return tenant
        tenant.state, tenant.state_reason = State(to), reason[:LONGEST_REASON]
        tenant.state_changed_at, tenant.delete_after = timezone.now(), delete_after
        tenant.version += 1
        tenant.save(
            update_fields=[
                "state", "state_reason", "state_changed_at", "delete_after", "version", "updated_at",
            ]
        )  # fmt: skip
        # A caller's transaction may still be open: a job that is let go too early finds the old state, and waits.
        transaction.on_commit(partial(_make_known, tenant, before), using="default")
    directory.forget()
    log.info(
        "tenant.state_changed", tenant=tenant.slug, before=before, after=to, reason=reason, asked_by=asked_by
    )
    return tenant


def _make_known(tenant: Tenant, before: str) -> None:
    directory.forget()
    if doors_of(tenant.state).works and not doors_of(before).works:
        _let_work_go_on(tenant)


def _check(tenant: Tenant, to: str) -> None:
    if to == tenant.state:
        return
    if tenant.slug == PLATFORM_SLUG and tenant.state == State.ACTIVE:
        raise Conflict(
            "The platform's own tenant stays open: those who run the service work in it.",
            code="tenants.platform_stays",
        )
    if to not in FOLLOWS[tenant.state]:
        raise Conflict(
            f"A company that is {_words(tenant.state)} cannot become {_words(to)}.",
            code="tenants.state_does_not_follow",
            params={"before": tenant.state, "after": to},
        )


def _let_work_go_on(tenant: Tenant) -> None:
    try:
        release_postponed(cell=tenant.cell, tenant_id=tenant.pk)
    except (DatabaseError, InterfaceError) as error:
        # They look again by themselves before long.
        log.warning("jobs.not_released", tenant=tenant.slug, error=str(error))


def _words(state: str) -> str:
    return state.replace("_", " ")
