"""The company's side: who asked, letting them in, refusing, sending away, and letting nobody ask."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.access import Actor, UserActor, require
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.models import OperatorGrant, OperatorRule
from tenants.operator_access.asking import LEAST_MINUTES
from tenants.operator_access.closing import close, locked
from tenants.operator_access.events import OperatorApproved, OperatorRuleChanged
from tenants.operator_access.letters import tell_operator
from tenants.outbox.bus import publish
from tenants.permissions import DECIDE_SUPPORT, VIEW_SUPPORT
from tenants.tenancy import atomic, current_tenant

log = structlog.get_logger(__name__)
State = OperatorGrant.State


def visible_grants(*, actor: Actor) -> QuerySet[OperatorGrant]:
    """Who asked the current company, the newest first. Raises: Forbidden."""
    require(actor, VIEW_SUPPORT)
    return OperatorGrant.objects.filter(tenant_id=current_tenant().id).order_by("-asked_at", "-pk")


def approve(*, grant_id: UUID, role: str, minutes: int, actor: Actor) -> OperatorGrant:
    """Let an operator in from now on, for at most what they asked for.

    Raises: Forbidden (also for a program), NotFound, InvalidInput (more than was asked for), Conflict (decided).
    """
    _require_person(actor)
    with transaction.atomic(using="default"):
        grant = _own(grant_id)
        if grant.state != State.ASKED:
            raise Conflict("This is decided already.", code="conflict.decided")
        if role not in OperatorGrant.Role.values:
            raise InvalidInput("Choose a role.", fields={"role": ["Choose read-only or admin."]})
        if role == OperatorGrant.Role.ADMIN and grant.wanted_role != OperatorGrant.Role.ADMIN:
            msg = "They asked for reading only."
            raise InvalidInput(msg, fields={"role": [msg]})
        if not LEAST_MINUTES <= minutes <= grant.wanted_minutes:
            msg = f"Choose {LEAST_MINUTES} to {grant.wanted_minutes} minutes."
            raise InvalidInput(msg, fields={"minutes": [msg]})
        now = timezone.now()
        grant.state, grant.role = State.APPROVED, role
        grant.decided_by, grant.decided_at = actor.name[:120], now
        grant.ends_at = now + timedelta(minutes=minutes)
        grant.save()
        # Inside: who is let in is written down in the company, or nobody is let in.
        with atomic():
            publish(OperatorApproved(grant_id=grant.pk, role=role, minutes=minutes))
    tell_operator(grant)
    log.info("operator_grant.approved", grant_id=grant.pk, role=role, minutes=minutes, by=actor.user_id)
    return grant


def refuse(*, grant_id: UUID, actor: Actor) -> OperatorGrant:
    """Let an operator not in. Raises: Forbidden, NotFound, Conflict (decided)."""
    _require_person(actor)
    _check_own(grant_id)
    grant = close(grant_id=grant_id, target=State.REFUSED, by=actor.name, because="refused")
    tell_operator(grant)
    return grant


def revoke(*, grant_id: UUID, actor: Actor) -> OperatorGrant:
    """Send an operator away at once. Raises: Forbidden, NotFound, Conflict (over already)."""
    _require_person(actor)
    _check_own(grant_id)
    return close(grant_id=grant_id, target=State.REVOKED, by=actor.name, because="revoked")


def is_shut() -> bool:
    """Whether the current company lets no operator ask."""
    return OperatorRule.objects.filter(tenant_id=current_tenant().id, is_shut=True).exists()


def set_rule(*, shut: bool, actor: Actor) -> None:
    """Say whether operators may ask: every time, or never. Shutting refuses who has asked. Raises: Forbidden."""
    _require_person(actor)
    with transaction.atomic(using="default"):
        OperatorRule.objects.update_or_create(
            tenant_id=current_tenant().id,
            defaults={"is_shut": shut, "changed_by": actor.name[:120], "changed_at": timezone.now()},
        )
        with atomic():
            publish(OperatorRuleChanged(is_shut=shut))
    if shut:
        for grant in OperatorGrant.objects.filter(tenant_id=current_tenant().id, state=State.ASKED):
            refuse(grant_id=grant.pk, actor=actor)
    log.info("operator_rule.changed", is_shut=shut, by=actor.user_id)


def _require_person(actor: Actor) -> None:
    require(actor, DECIDE_SUPPORT)
    # What lets somebody in is said by a person who has just proved who they are; a program cannot prove it.
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only a person decides this, in a browser.", code="forbidden.person_needed")


def _own(grant_id: UUID) -> OperatorGrant:
    _check_own(grant_id)
    return locked(grant_id)


def _check_own(grant_id: UUID) -> None:
    if not OperatorGrant.objects.filter(pk=grant_id, tenant_id=current_tenant().id).exists():
        raise NotFound("There is no such request.")
