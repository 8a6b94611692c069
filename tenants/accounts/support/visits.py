"""Visits: begun under a grant, ended by the minute, by a word, or by leaving."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.models import SupportAccount, SupportAction, SupportVisit, User, UserSession
from tenants.accounts.sessions.services import end_sign_ins
from tenants.accounts.support.events import OperatorActed, OperatorEntered, OperatorLeft
from tenants.outbox.bus import bound_actor, publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

# A name no mail is ever sent to.
_HOST: Final = "operators.invalid"
type StillHolds = Callable[[UUID, UUID], bool]
_still_holds: list[StillHolds] = []


def use_grants(still_holds: StillHolds) -> None:
    """Plug in who knows the grants: `still_holds(grant_id, operator_id)`. Without it nobody's visit holds."""
    _still_holds[:] = [still_holds]


def holds(visit: SupportVisit) -> bool:
    """Whether the grant is in force and its operator may still enter; asked at every request of a visit."""
    return any(ask(visit.grant_id, visit.account.operator_id) for ask in _still_holds)


@atomic
def ensure_visitor(*, operator_id: UUID, name: str) -> User:
    """The user an operator is in this company, switched on; nobody's address, no password, no role."""
    shown = f"Support ({name})"[:120]
    account = SupportAccount.objects.select_related("user").filter(operator_id=operator_id).first()
    if account is None:
        user = User(email=f"{operator_id}@{_HOST}", name=shown)
        user.set_unusable_password()
        user.save(force_insert=True)
        SupportAccount.objects.create(user=user, operator_id=operator_id)
        return user
    user = account.user
    user.name, user.is_active = shown, True
    user.save(update_fields=["name", "is_active", "updated_at"])
    return user


@atomic
def begin_visit(
    *, user: User, sign_in_id: UUID, grant_id: UUID, role: str, reason: str, ends_at: datetime
) -> SupportVisit:
    """Write down that an operator came in, by which sign-in and until when."""
    visit = SupportVisit.objects.create(
        account=user.support_account,
        sign_in=UserSession.objects.get(pk=sign_in_id, user=user),
        grant_id=grant_id,
        role=role,
        reason=reason,
        entered_at=timezone.now(),
        ends_at=ends_at,
    )
    with bound_actor(user.pk):
        publish(OperatorEntered(visit_id=visit.pk, grant_id=grant_id, role=role))
    log.info("operator.entered", visit_id=visit.pk, grant_id=grant_id, role=role)
    return visit


@atomic
def end_visits(*, because: str, grant_id: UUID | None = None, operator_id: UUID | None = None) -> int:
    """End visits and their sign-ins, and switch their users off; return how many it were."""
    open_ones = SupportVisit.objects.select_related("account__user").filter(ended_at=None)
    if grant_id is not None:
        open_ones = open_ones.filter(grant_id=grant_id)
    if operator_id is not None:
        open_ones = open_ones.filter(account__operator_id=operator_id)
    # Whoever is just changing something on a visit holds its row: what they do is done before, or not at all.
    rows = list(open_ones.select_for_update(of=("self",), no_key=True).order_by("pk"))
    now = timezone.now()
    for visit in rows:
        visit.ended_at, visit.ended_because = now, because
        visit.save(update_fields=["ended_at", "ended_because"])
        user = visit.account.user
        end_sign_ins(user, because="support_over")
        user.is_active = False
        user.save(update_fields=["is_active", "updated_at"])
        publish(OperatorLeft(visit_id=visit.pk, grant_id=visit.grant_id, because=because))
        log.info("operator.left", visit_id=visit.pk, because=because)
    return len(rows)


@atomic
def hold_open(visit: SupportVisit) -> bool:
    """Keep a visit from being ended until the open transaction is over; False when it was ended already."""
    rows = SupportVisit.objects.select_for_update(no_key=True).filter(pk=visit.pk, ended_at=None)
    return rows.filter(ends_at__gt=timezone.now()).exists()


@atomic
def note_action(
    visit: SupportVisit, *, method: str, path: str, route: str, status: int, request_id: str
) -> SupportAction:
    """Write down what an operator did or tried."""
    action = SupportAction.objects.create(
        visit=visit,
        at=timezone.now(),
        method=method[:10],
        path=path[:300].replace("\0", ""),
        route=route[:120],
        status=status,
        request_id=request_id[:80],
    )
    with bound_actor(visit.account.user_id):
        publish(
            OperatorActed(
                visit_id=visit.pk, grant_id=visit.grant_id, method=action.method, path=action.path,
                status=status, request_id=action.request_id,
            )
        )  # fmt: skip
    return action


def visits_under(grant_id: UUID) -> QuerySet[SupportVisit]:
    """The entries under a grant with what was done on them, the newest first."""
    rows = SupportVisit.objects.filter(grant_id=grant_id).select_related("sign_in")
    return rows.prefetch_related("actions").order_by("-entered_at")
