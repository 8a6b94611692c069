"""The operators' side: asking a company to be let in, seeing what became of it, taking it back."""

from typing import Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.access import Actor, UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.foundation.platform import PLATFORM_SLUG
from tenants.models import OperatorGrant, OperatorRule, Tenant
from tenants.operator_access.closing import close
from tenants.operator_access.events import OperatorAsked
from tenants.operator_access.letters import tell_company
from tenants.outbox.bus import bound_actor, publish
from tenants.permissions import ENTER_COMPANIES, SEE_COMPANIES, require_operator
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)

LEAST_MINUTES: Final = 5
MOST_MINUTES: Final = 480

LONGEST_REASON: Final = 500


def grants_of(*, actor: Actor) -> QuerySet[OperatorGrant]:
    """Every request of every operator, the newest first: operators see each other's. Raises: NotFound, Forbidden."""
    require_operator(actor, SEE_COMPANIES)
    return OperatorGrant.objects.select_related("tenant").order_by("-asked_at", "-pk")


def ask_to_enter(
    *, company_id: UUID, reason: str, role: str, minutes: int, actor: Actor, ticket: str = ""
) -> OperatorGrant:
    """Ask a company to be let in; it decides. Outside any company's transaction but the platform's.

    Raises: NotFound (off the platform; no such company), Forbidden (also for a program: a person asks),
    InvalidInput, Conflict (asked already; the company lets nobody ask; its doors are closed).
    """
    require_operator(actor, ENTER_COMPANIES)
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only a person asks to come in.", code="forbidden.person_needed")
    wanted = OperatorGrant.Role(_one_of(role))
    text = " ".join(reason.split())
    if not text or len(text) > LONGEST_REASON:
        raise InvalidInput("Say why.", fields={"reason": ["Say in a sentence why you need to come in."]})
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        msg = f"Choose {LEAST_MINUTES} to {MOST_MINUTES} minutes."
        raise InvalidInput(msg, fields={"minutes": [msg]})
    tenant = Tenant.objects.exclude(slug=PLATFORM_SLUG).filter(pk=company_id).first()
    if tenant is None:
        raise NotFound("There is no such company.")
    if not doors_of(tenant.state).signs_in:
        raise Conflict("Nobody can sign in there at the moment.", code="conflict.company_closed")
    if OperatorRule.objects.filter(tenant=tenant, is_shut=True).exists():
        raise Conflict("This company lets no operator ask.", code="conflict.operators_shut_out")
    grant = OperatorGrant(
        tenant=tenant,
        operator_id=actor.user.pk,
        operator_name=actor.name[:120],
        operator_email=actor.user.email,
        reason=text,
        ticket=" ".join(ticket.split())[:80],
        wanted_role=wanted,
        wanted_minutes=minutes,
    )
    try:
        with transaction.atomic(using="default"):
            grant.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("You have asked this company already.", code="conflict.asked_already") from error
    with tenant_scope(tenant.ref), atomic(), bound_actor(None):
        publish(
            OperatorAsked(
                grant_id=grant.pk, operator=grant.operator_name, role=wanted, minutes=minutes, reason=text
            )
        )
        tell_company(grant)
    log.info("operator_grant.asked", grant_id=grant.pk, company=tenant.slug, role=wanted, minutes=minutes)
    return grant


def give_back(*, grant_id: UUID, actor: Actor) -> OperatorGrant:
    """Withdraw a request, or end one's own grant before its time. Raises: NotFound, Forbidden, Conflict (over)."""
    require_operator(actor, SEE_COMPANIES)
    grant = OperatorGrant.objects.filter(pk=grant_id).first()
    if grant is None or grant.operator_id != actor.user_id:
        raise NotFound("There is no such request of yours.")
    state = OperatorGrant.State
    target = state.WITHDRAWN if grant.state == state.ASKED else state.ENDED
    return close(grant_id=grant_id, target=target, by=actor.name, because="left")


def still_holds(grant_id: UUID, operator_id: UUID) -> bool:
    """Whether a grant is in force now and its operator may still enter companies: asked at every request of theirs."""
    return grant_in_force(grant_id, operator_id) is not None and may_enter(operator_id)


def grant_in_force(grant_id: UUID, operator_id: UUID) -> OperatorGrant | None:
    """The operator's grant, if the company has given it and its time is not over."""
    return OperatorGrant.objects.filter(
        pk=grant_id,
        operator_id=operator_id,
        state=OperatorGrant.State.APPROVED,
        ends_at__gt=timezone.now(),
    ).first()


def may_enter(operator_id: UUID) -> bool:
    """Whether an operator is still one: not deactivated, and holding the permission on the platform."""
    platform = Tenant.objects.filter(slug=PLATFORM_SLUG).first()
    if platform is None:
        return False
    with tenant_scope(platform.ref), atomic():
        user = User.objects.filter(pk=operator_id, is_active=True).first()
        return user is not None and actor_for(user).holds(ENTER_COMPANIES)


def _one_of(role: str) -> str:
    if role not in OperatorGrant.Role.values:
        raise InvalidInput("Choose what you need to do.", fields={"role": ["Choose read-only or admin."]})
    return role
