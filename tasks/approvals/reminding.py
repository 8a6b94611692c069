"""A reminder, once, on the day before an approval is due, to everybody whose answer is still missing."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.utils import timezone

from tasks.approvals.able import able_of
from tasks.approvals.letters import REMINDER_LETTER_JOB
from tasks.models import ApprovalRequest
from tenants.dispatch import enqueue
from tenants.tenancy import atomic, current_tenant

log = structlog.get_logger(__name__)

REMIND_JOB: Final = "tasks.approval_remind"
AT: Final = time(8)
# Whoever was asked less than this before needs no reminder: the first letter lies on top.
_NOT_WITHIN: Final = timedelta(hours=12)


def reminder_time(approval: ApprovalRequest) -> datetime | None:
    """The morning of the day before it is due, by the company's clock; None when that is too soon to make sense."""
    if approval.due_on is None:
        return None
    there = ZoneInfo(current_tenant().time_zone)
    moment = datetime.combine(approval.due_on - timedelta(days=1), AT, tzinfo=there)
    return moment if moment >= timezone.now() + _NOT_WITHIN else None


def remind_later(approval: ApprovalRequest) -> None:
    """Have the reminder written when its time comes; in the transaction of the request."""
    moment = reminder_time(approval)
    if moment is not None:
        enqueue(REMIND_JOB, object_id=approval.pk, due_at=moment)


@atomic
def remind(approval_id: UUID) -> int:
    """Ask for one letter to each person whose answer is still awaited; return how many."""
    rows = ApprovalRequest.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("task", "milestone__project", "project").filter(pk=approval_id).first()
    if found is None or not found.is_open:
        return 0
    approvers = list(found.approvers.filter(agreed_at=None))
    able = able_of(approvers, found.guarded, but=found.asked_by_id)
    answered = set(found.decisions.values_list("user_id", flat=True))
    people = set[UUID]().union(*able.values()) - answered
    for user_id in sorted(people):
        enqueue(REMINDER_LETTER_JOB, object_id=found.pk, payload={"user_id": str(user_id)})
    log.info("approval.reminded", approval_id=found.pk, people=len(people))
    return len(people)
