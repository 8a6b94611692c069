"""Who is left as the only one: for a day after, the change that wants two people is not made by that one alone.

Else whoever wants to make such a change would take the others' roles away one after the other, and find themselves
alone. Nobody is kept from shutting a colleague out at once: what waits is what two people are wanted for. Everybody
concerned gets a letter, also who was shut out.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.actors import UserActor
from tenants.accounts.access.catalogue import Sensitivity, all_permissions, permission
from tenants.accounts.access.changes import Approved, ChangeKind, DiffLine, Json, register_change
from tenants.accounts.access.holders import bindings_giving, people_and_since
from tenants.accounts.models import ProposedChange, RoleBinding, User
from tenants.accounts.models.role_binding import RoleBindingQuerySet
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict
from tenants.foundation.ids import uuid7
from tenants.outbox.bus import current_actor_id

log = structlog.get_logger(__name__)

LETTER_JOB: Final = "accounts.change_letter"
# How long whoever is left alone waits, and how long a role has to last to count as somebody's.
COOLING: Final = timedelta(hours=24)
_LASTING: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a permission, and who of them has for a day: others may have been brought along for what is to come."""

    people: frozenset[UUID]
    settled: frozenset[UUID]


type Holders = dict[str, Held]


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """That somebody was left alone with a permission: until when changes wait, and who had it before."""

    until: datetime
    before: frozenset[UUID]


def lasting_holders() -> Holders:
    """Who holds each permission that changes want two people for, and not just for some days more.

    One query for each of these permissions.
    """
    until = timezone.now() + _LASTING
    lasting = RoleBinding.objects.company_wide().filter(Q(expires_at=None) | Q(expires_at__gt=until))
    return {
        each.code: _held(each.code, lasting)
        for each in all_permissions()
        if each.sensitivity is Sensitivity.DUAL_CONTROL
    }


def note_who_is_left(before: Holders) -> None:
    """Write down, and have told, which permissions only one person is left with, or nobody, of several before.

    Beside those who have held one for a day, whoever came by it since is nobody: they could be brought along.
    """
    for code, now in lasting_holders().items():
        was = before[code]
        of_all = was.people if len(was.people) > 1 >= len(now.people) else frozenset()
        of_settled = was.settled if len(was.settled) > 1 >= len(was.settled & now.people) else frozenset()
        concerned = of_settled or of_all
        if concerned and left_alone(code) is None:
            _note(code, concerned, now.people)


def others_are_settled(code: str, *, but: frozenset[UUID | None]) -> bool:
    """Whether somebody else has held a permission for a day. One query."""
    held = _held(code, RoleBinding.objects.company_wide().in_force())
    return bool(held.settled - but)


def _held(code: str, among: RoleBindingQuerySet) -> Held:
    found = people_and_since(bindings_giving(code, among), timezone.now() - COOLING)
    return Held(frozenset(found), frozenset(pk for pk, is_settled in found.items() if is_settled))


def left_alone(code: str) -> LeftAlone | None:
    """Whether somebody was left alone with a permission less than a day ago. One query."""
    since = timezone.now() - COOLING
    rows = ProposedChange.objects.filter(kind=LEFT_ALONE.key, proposed_at__gt=since)
    row = rows.filter(arguments__permission=code).order_by("-proposed_at").first()
    if row is None:
        return None
    return LeftAlone(row.proposed_at + COOLING, frozenset(UUID(each) for each in row.arguments["before"]))


class AloneTooSoon(Conflict):
    """Nobody else could agree, but somebody could until a moment ago: it has to wait."""

    default_code = "conflict.alone_too_soon"


def check_alone_long_enough(code: str, actor: UserActor) -> None:
    """Stop whoever is alone with a permission only since a moment ago. Raises: AloneTooSoon."""
    found = left_alone(code)
    if found is None or not found.before - {actor.user_id}:
        return
    until = timezone.localtime(found.until)
    raise AloneTooSoon(
        "Until a moment ago somebody else could have agreed to this. One person alone can do it from "
        f"{until:%Y-%m-%d %H:%M} on; or somebody who could agree before gets their role back.",
        params={"until": found.until.isoformat()},
    )


def _note(code: str, before: frozenset[UUID], now: frozenset[UUID]) -> None:
    names = dict(User.objects.filter(pk__in=before | now).values_list("pk", "name"))
    at = timezone.now()
    change = ProposedChange(
        id=uuid7(),
        kind=LEFT_ALONE.key,
        target_name=str(permission(code).label)[:200],
        arguments={"permission": code, "before": sorted(str(each) for each in before)},
        diff=[asdict(DiffLine(str(_("Who can agree")), _names(names, before), _names(names, now)))],
        fingerprint="",
        proposed_by_id=current_actor_id(),
        proposed_at=at,
        expires_at=at + COOLING,
        state=ProposedChange.State.APPLIED,
        decided_at=at,
    )
    change.save(force_insert=True)
    enqueue(LETTER_JOB, object_id=change.pk)
    log.warning("access.left_alone", permission=code, before=len(before), now=len(now))


def _names(names: dict[UUID, str], people: frozenset[UUID]) -> str:
    return ", ".join(sorted(names.get(each, "—") for each in people)) or "—"


def _never(_approved: Approved) -> NoReturn:
    raise Conflict("This was done when it was written down.", code="conflict.change_is_decided")


def _no_state(_target_id: UUID | None) -> Json:
    return None


# Nobody proposes it: it is written down as done, beside the changes it delays.
LEFT_ALONE: Final = register_change(
    ChangeKind(
        key="access.left_alone",
        label=_("Only one person left who may"),
        permission="accounts.change_roles",
        subject=None,
        apply=_never,
        state_of=_no_state,
    )
)
