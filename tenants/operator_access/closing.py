"""Ending requests and grants, by whichever side; what was open in the company ends with them."""

from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from tenants.accounts.support.visits import end_visits
from tenants.foundation.errors import Conflict, NotFound
from tenants.models import OperatorGrant, Tenant
from tenants.operator_access.events import OperatorGrantClosed
from tenants.outbox.bus import publish
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)
State = OperatorGrant.State
# What each end can come from.
_FROM: Final = {
    State.REFUSED: (State.ASKED,),
    State.WITHDRAWN: (State.ASKED,),
    State.REVOKED: (State.APPROVED,),
    State.ENDED: (State.APPROVED,),
}


def close(*, grant_id: UUID, target: str, by: str, because: str) -> OperatorGrant:
    """End a request or a grant for good. Raises: NotFound, Conflict (it is over, or was decided otherwise).

    From its commit on nothing holds by the grant, whatever process asks; the visits end inside the same transaction.
    """
    with transaction.atomic(using="default"):
        grant = locked(grant_id)
        if grant.state not in _FROM[State(target)]:
            raise Conflict("This is decided already.", code="conflict.decided")
        now = timezone.now()
        if grant.state == State.ASKED:
            grant.decided_by, grant.decided_at = by[:120], now
        grant.state, grant.ended_by, grant.ended_at = target, by[:120], now
        grant.save()
        tenant = Tenant.objects.get(pk=grant.tenant_id)
        with tenant_scope(tenant.ref):
            # A company that is closed or on the move is not written to: at its doors the grant is asked anyway.
            if doors_of(tenant.state).writes:
                with atomic():
                    end_visits(because=because, grant_id=grant.pk)
                    publish(OperatorGrantClosed(grant_id=grant.pk, state=target))
    log.info("operator_grant.closed", grant_id=grant_id, state=target, by=by)
    return grant


def end_what_has_run_out() -> int:
    """Close the grants whose time is over; how many. Their doors were shut with the minute."""
    over = OperatorGrant.objects.filter(state=State.APPROVED, ends_at__lte=timezone.now())
    closed = 0
    for grant_id in list(over.values_list("pk", flat=True)):
        try:
            close(grant_id=grant_id, target=State.ENDED, by="", because="time")
        except Conflict:  # somebody was quicker
            continue
        closed += 1
    return closed


def locked(grant_id: UUID) -> OperatorGrant:
    """The grant, locked in the open transaction on the control plane. Raises: NotFound."""
    grant = OperatorGrant.objects.select_for_update(of=("self",), no_key=True).filter(pk=grant_id).first()
    if grant is None:
        raise NotFound("There is no such request.")
    return grant
