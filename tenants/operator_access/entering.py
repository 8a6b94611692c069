"""The way in: begun on the company's host, vouched for on the platform's, gone through on the company's, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from tenants.accounts.access import Actor, UserActor
from tenants.accounts.models import User
from tenants.accounts.sessions import handovers
from tenants.accounts.sessions.handovers import Begun, HandoverRefused, Purpose
from tenants.accounts.support.visits import begin_visit, ensure_visitor
from tenants.foundation.errors import Forbidden, NotFound
from tenants.models import OperatorGrant
from tenants.operator_access.asking import grant_in_force, may_enter
from tenants.permissions import ENTER_COMPANIES, require_operator
from tenants.tenancy import atomic, current_tenant, tenant_scope

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WayIn:
    """Where the operator goes on, with a code that works once in this browser."""

    grant: OperatorGrant
    host: str
    code: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes in: under which grant, as which user of the company."""

    user: User
    grant: OperatorGrant
    ends_at: datetime


def set_out(*, grant_id: UUID, host: str) -> Begun:
    """Begin on the company's host, for whoever asks: only the platform knows who it is. Raises: HandoverRefused."""
    grant = OperatorGrant.objects.filter(
        pk=grant_id, tenant_id=current_tenant().id, state=OperatorGrant.State.APPROVED
    ).first()
    if grant is None or grant_in_force(grant.pk, grant.operator_id) is None:
        raise HandoverRefused
    return handovers.begin(purpose=Purpose.SUPPORT, host=host, subject_id=grant.pk)


def vouch_for_operator(*, grant_id: UUID, state: str, actor: Actor) -> WayIn:
    """Say on the platform's host that this browser is the grant's operator, who has just proved it.

    Raises: NotFound (off the platform, another operator's grant), Forbidden, HandoverRefused (begun elsewhere).
    """
    require_operator(actor, ENTER_COMPANIES)
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only a person enters.", code="forbidden.person_needed")
    grant = grant_in_force(grant_id, actor.user_id)
    if grant is None:
        raise NotFound("This grant is not in force.")
    with tenant_scope(grant.tenant.ref), atomic():
        host, code = handovers.vouch(
            state=state,
            purpose=Purpose.SUPPORT,
            subject_id=grant.pk,
            payload={"operator_id": str(actor.user_id)},
        )
    log.info("operator_grant.vouched", grant_id=grant.pk)
    return WayIn(grant, host, code)


def come_in(*, grant_id: UUID, state: str, code: str, browser: str, host: str) -> Visitor:
    """Take the code on the company's host and find the user to sign in. Raises: HandoverRefused."""
    arrived = handovers.redeem(
        state=state, code=code, browser=browser, host=host, purpose=Purpose.SUPPORT, subject_id=grant_id
    )
    operator_id = UUID(arrived.payload["operator_id"])
    grant = grant_in_force(grant_id, operator_id)
    # Asked once more: between the code and this request somebody may have said no.
    if grant is None or grant.ends_at is None or grant.tenant_id != current_tenant().id:
        raise HandoverRefused
    if not may_enter(operator_id):
        raise HandoverRefused
    user = ensure_visitor(operator_id=operator_id, name=grant.operator_name)
    return Visitor(user, grant, grant.ends_at)


def note_entry(visitor: Visitor, *, sign_in_id: UUID) -> None:
    """Tie the sign-in that has just been made to the grant; without it the sign-in is nobody's."""
    begin_visit(
        user=visitor.user,
        sign_in_id=sign_in_id,
        grant_id=visitor.grant.pk,
        role=visitor.grant.role,
        reason=visitor.grant.reason,
        ends_at=visitor.ends_at,
    )
