"""The brake: a directory that suddenly wants to shut many people out is stopped, and a person decides.

Counted under a lock, so that requests at the same moment see each other. What is beyond the rule is not done and not
pretended: the directory is told so, and tries again or shows it to its own administrators.

Everybody locks in one order, so that nobody waits in a circle: what is held, the person's record, the turn of an
address, the brake's turn, the turn of changes of access, memberships and accounts, the directory. Whoever needs but
some of them keeps to it: a request of a directory begins with the record, a person's decision with what is held and all
its records at once.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.access import Actor, require
from tenants.accounts.access.granting import lasting_owners
from tenants.accounts.models import (
    BreakGlassOwner,
    GroupMembership,
    ScimDeprovisioning,
    ScimDirectory,
    ScimPerson,
    User,
)
from tenants.accounts.scim.errors import Held
from tenants.accounts.scim.key_makers import is_above_key
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.scim.provisioning_log import write
from tenants.accounts.services import deactivate_user
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

LETTER_JOB: Final = "accounts.scim_held_letter"
# Some more people are held in the minutes after the first: one letter tells of them all.
_LETTER_AFTER: Final = timedelta(minutes=2)
State = ScimDeprovisioning.State


def let_through(directory: ScimDirectory, user: User, *, is_deletion: bool) -> None:
    """Count that the directory shuts somebody out. Raises: Held, Conflict (an emergency owner)."""
    if BreakGlassOwner.objects.filter(user=user).exists():
        raise Conflict(
            "This person is an emergency owner of the company: no directory shuts them out.",
            code="conflict.break_glass",
        )
    wait_for_turn(f"scim-brake-{directory.pk}")
    since = timezone.now() - timedelta(hours=directory.brake_hours)
    asked = ScimDeprovisioning.objects.filter(directory=directory)
    if asked.filter(user=user, state=State.HELD).exists():
        raise Held
    if asked.filter(user=user, state=State.REFUSED, decided_at__gte=since).exists():
        raise Held("An administrator of the company decided that this person stays.")
    # The last owner is for nobody to decide: what shuts out says so.
    if is_above_key(directory, user) and lasting_owners().exclude(user=user).exists():
        raise Held("This person holds more than whoever made the directory's key: an administrator decides.")
    done = asked.filter(state=State.DONE, asked_at__gte=since).values("user").distinct().count()
    active = ScimPerson.objects.filter(directory=directory, deleted_at=None, is_active=True).count()
    if done + 1 > most_at_once(directory, active + done):
        raise Held
    ScimDeprovisioning.objects.create(
        directory=directory, user=user, is_deletion=is_deletion, state=State.DONE
    )


def most_at_once(directory: ScimDirectory, people: int) -> int:
    """How many of its active people a directory can shut out within the window."""
    return max(directory.brake_least, people * directory.brake_percent // 100)


@atomic
def hold(directory: ScimDirectory, user_id: UUID, *, is_deletion: bool) -> bool:
    """Keep what a directory was stopped from doing, for a person to decide; False when it is kept already."""
    wait_for_turn(f"scim-brake-{directory.pk}")
    since = timezone.now() - timedelta(hours=directory.brake_hours)
    known = ScimDeprovisioning.objects.filter(directory=directory, user=user_id)
    if known.filter(state=State.HELD).exists():
        return False
    if known.filter(state=State.REFUSED, decided_at__gte=since).exists():
        return False
    ScimDeprovisioning.objects.create(
        directory=directory, user_id=user_id, is_deletion=is_deletion, state=State.HELD
    )
    enqueue(LETTER_JOB, object_id=directory.pk, slot=str(directory.pk), due_at=timezone.now() + _LETTER_AFTER)
    log.warning("scim.held", directory_id=directory.pk, user_id=user_id)
    return True


def visible_held(*, actor: Actor) -> QuerySet[ScimDeprovisioning]:
    """What waits for a decision, the oldest first. Raises: Forbidden."""
    require(actor, MANAGE)
    rows = ScimDeprovisioning.objects.filter(state=State.HELD).select_related("directory", "user")
    return rows.order_by("asked_at", "id")


@atomic
def approve(*, held: Collection[UUID], actor: Actor) -> int:
    """Shut the held people out after all; return how many it were.

    Raises: Forbidden (also for somebody who holds more), Conflict (oneself, the last owner, an emergency owner).
    """
    require(actor, MANAGE)
    rows = _locked(held)
    # As a directory does that changes somebody: its record first, then the account.
    records = ScimPerson.objects.select_for_update(no_key=True).order_by("pk")
    list(records.filter(user__in=[row.user_id for row in rows]))
    for row in rows:
        if BreakGlassOwner.objects.filter(user=row.user).exists():
            raise Conflict(f"{row.user} is an emergency owner of the company.", code="conflict.break_glass")
        deactivate_user(user=row.user, actor=actor)
        shut(row.directory, row.user, is_deletion=row.is_deletion)
        _decide(row, State.APPROVED, actor)
    return len(rows)


@atomic
def refuse(*, held: Collection[UUID], actor: Actor) -> int:
    """Let the held people stay; return how many it were. The directory is refused the same for its window.

    Raises: Forbidden.
    """
    require(actor, MANAGE)
    rows = _locked(held)
    for row in rows:
        _decide(row, State.REFUSED, actor)
    return len(rows)


def shut(directory: ScimDirectory, user: User, *, is_deletion: bool) -> None:
    """Let a directory's record say that the person is shut out; one it has deleted leaves its groups."""
    person = ScimPerson.objects.select_for_update(no_key=True).filter(directory=directory, user=user).first()
    if person is None:
        return
    person.is_active, person.version = False, person.version + 1
    if is_deletion:
        person.deleted_at = timezone.now()
        GroupMembership.objects.filter(user=user, group__scim__directory=directory).delete()
    person.save(update_fields=["is_active", "version", "deleted_at", "updated_at"])


def _locked(held: Collection[UUID]) -> list[ScimDeprovisioning]:
    rows = ScimDeprovisioning.objects.select_for_update(of=("self",), no_key=True)
    return list(rows.filter(pk__in=held, state=State.HELD).select_related("directory", "user").order_by("pk"))


def _decide(row: ScimDeprovisioning, state: ScimDeprovisioning.State, actor: Actor) -> None:
    row.state, row.decided_at, row.decided_by_id = state, timezone.now(), actor.user_id
    row.save(update_fields=["state", "decided_at", "decided_by"])
    write(
        row.directory,
        f"scim.held.{state.value}",
        user=row.user,
        detail=f"{actor.name} decided: {'shut out' if state == State.APPROVED else 'stays'}.",
    )
    log.info("scim.held_decided", deprovisioning_id=row.pk, state=state.value, by=actor.user_id)
