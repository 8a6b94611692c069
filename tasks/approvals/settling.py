"""How an approval ends: by an answer, or because the last one it waited for cannot answer any more."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from tasks.activity import Happening, record
from tasks.approvals.able import able_of
from tasks.approvals.letters import ANSWER_LETTER_JOB, NOBODY_LEFT_LETTER_JOB
from tasks.events import ApprovalChangesRequested, ApprovalGranted, ApprovalRefused
from tasks.models import ApprovalRequest, TaskActivity
from tenants.accounts.access import SYSTEM, Actor
from tenants.dispatch import enqueue, schedule
from tenants.outbox.bus import DomainEvent, publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

LOOK_AT_ALL_JOB: Final = "tasks.approvals_look_again"
LOOK_AT_ONE_JOB: Final = "tasks.approval_look_again"
# Rights run out without anybody doing anything: each open approval is looked at once a day.
LOOK_EVERY: Final = timedelta(hours=24)
_State = ApprovalRequest.State
_OUTCOMES: Final[dict[str, type[DomainEvent]]] = {
    _State.APPROVED: ApprovalGranted,
    _State.CHANGES_REQUESTED: ApprovalChangesRequested,
    _State.REFUSED: ApprovalRefused,
}


class Standing(Enum):
    """What an open approval waits for."""

    WAITS = auto()
    AGREED = auto()
    NOBODY_LEFT = auto()


def standing_of(approval: ApprovalRequest) -> Standing:
    """How an open, locked approval stands by its rule.

    Who cannot answer any more is not waited for; where nobody ever said yes and nobody can, it is not agreed to.
    """
    approvers = list(approval.approvers.order_by("pk"))
    able = able_of(approvers, approval.guarded, but=approval.asked_by_id)
    agreed = set(approval.decisions.values_list("user_id", flat=True))
    # An answer from before the moment was written down counts for a group as long as its person can answer.
    yes = {
        row.pk
        for row in approvers
        if row.agreed_at is not None or row.user_id in agreed or able[row.pk] & agreed
    }
    if approval.rule == ApprovalRequest.Rule.ANY:
        if yes:
            return Standing.AGREED
        return Standing.WAITS if any(able.values()) else Standing.NOBODY_LEFT
    if any(able[row.pk] for row in approvers if row.pk not in yes):
        return Standing.WAITS
    return Standing.AGREED if yes else Standing.NOBODY_LEFT


def settle(approval: ApprovalRequest, state: str, actor: Actor, note: str) -> None:
    """Close a locked approval with an outcome, and tell of it."""
    close(approval, state)
    is_yes = state == _State.APPROVED
    verb = TaskActivity.Verb.APPROVAL_GIVEN if is_yes else TaskActivity.Verb.APPROVAL_DENIED
    note_on_task(approval, verb, note or approval.text, actor)
    publish(_OUTCOMES[state](approval_id=approval.pk))  # type: ignore[call-arg]
    if approval.asked_by_id is not None:
        enqueue(ANSWER_LETTER_JOB, object_id=approval.pk)


def close(approval: ApprovalRequest, state: str) -> None:
    """Let a locked approval wait for nobody any more."""
    approval.state, approval.decided_at, approval.nobody_left_at = state, timezone.now(), None
    approval.save(update_fields=["state", "decided_at", "nobody_left_at"])


def note_on_task(approval: ApprovalRequest, verb: TaskActivity.Verb, text: str, actor: Actor) -> None:
    """Write it down in the task's activity, where it is about a task."""
    if approval.task_id is not None:
        record(
            [Happening(task_id=approval.task_id, verb=verb, changes={"approval": (None, text)})], actor=actor
        )


def ask_to_look_again() -> None:
    """Have all open approvals looked at after this transaction: somebody may not be able to answer any more."""
    enqueue(LOOK_AT_ALL_JOB)


def look_daily(approval: ApprovalRequest) -> None:
    """Have one open approval looked at once a day, until it is settled."""
    first = timezone.now() + LOOK_EVERY
    schedule(LOOK_AT_ONE_JOB, every=LOOK_EVERY, object_id=approval.pk, first_at=first)


def look_at_open_approvals() -> int:
    """Settle those that wait for nobody, and tell who asked where nobody is left; return how many changed.

    Each in a transaction of its own: people who answer wait for one, never for all.
    """
    with atomic():
        waiting = list(
            ApprovalRequest.objects.filter(state=_State.REQUESTED).order_by("pk").values_list("pk", flat=True)
        )
    return sum(look_again(approval_id) for approval_id in waiting)


@atomic
def look_again(approval_id: UUID) -> bool:
    """Bring one approval in line with who can still answer it; say whether that changed anything."""
    rows = ApprovalRequest.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("task", "milestone__project", "project").filter(pk=approval_id).first()
    if found is None or not found.is_open:
        return False
    standing = standing_of(found)
    if standing is Standing.AGREED:
        settle(found, _State.APPROVED, SYSTEM, "")
        log.info("approval.settled_without_answer", approval_id=found.pk)
        return True
    is_stuck = standing is Standing.NOBODY_LEFT
    if is_stuck is (found.nobody_left_at is not None):
        return False
    found.nobody_left_at = timezone.now() if is_stuck else None
    found.save(update_fields=["nobody_left_at"])
    if is_stuck and found.asked_by_id is not None:
        enqueue(NOBODY_LEFT_LETTER_JOB, object_id=found.pk)
    log.info("approval.looked_again", approval_id=found.pk, is_stuck=is_stuck)
    return True


def is_settled(approval_id: UUID) -> bool:
    """Whether an approval waits for nobody any more, or is gone."""
    with atomic():
        return not ApprovalRequest.objects.filter(pk=approval_id, state=_State.REQUESTED).exists()
