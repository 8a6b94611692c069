"""Approvals: asked for, answered once by each approver under a lock, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone

from tasks.approvals.able import APPROVE, people_who_may_approve
from tasks.approvals.letters import REQUEST_LETTER_JOB
from tasks.approvals.reminding import remind_later
from tasks.approvals.selectors import COLUMNS, Subject, asks, visible_approval
from tasks.approvals.settling import Standing, close, look_daily, note_on_task, settle, standing_of
from tasks.events import ApprovalAnswered, ApprovalRequested, ApprovalWithdrawn
from tasks.importing.normalising import clean_text
from tasks.models import (
    ApprovalApprover,
    ApprovalDecision,
    ApprovalRequest,
    Milestone,
    Project,
    Task,
    TaskActivity,
)
from tenants.accounts.access import Actor, require
from tenants.accounts.models import Group, GroupMembership, User
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.foundation.letters.rationing import spend_letters
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MAX_TEXT_CHARS: Final = 4_000
MAX_NOTE_CHARS: Final = 4_000
MAX_APPROVERS: Final = 20
# Each of them gets a letter.
MAX_PEOPLE: Final = 200
_State = ApprovalRequest.State
_Answer = ApprovalDecision.Answer


def guarded_of(subject: Subject) -> Task | Project:
    """What access is asked for: a milestone is its project's."""
    return subject.project if isinstance(subject, Milestone) else subject


@atomic
def request_approval(
    *,
    subject: Subject,
    text: str,
    approvers: Sequence[User | Group],
    actor: Actor,
    rule: str = ApprovalRequest.Rule.ANY,
    due_on: date | None = None,
) -> ApprovalRequest:
    """Ask people or groups for a yes; each of them gets a letter.

    Raises: Forbidden, NotFound (the milestone is gone), InvalidInput (text, rule, day, no or too many approvers, one
    who may not answer here, oneself).
    """
    guarded = guarded_of(subject)
    require(actor, "tasks.request_approval", on=guarded)
    if isinstance(subject, Milestone):
        # Whoever is about to delete it waits, and then sees this request.
        rows = Milestone.objects.select_for_update(no_key=True).filter(pk=subject.pk)
        if not rows.exists():
            raise NotFound("There is no such milestone.", code="milestones.not_found")
    words = clean_text(text).replace("\r\n", "\n").strip()
    wrong: dict[str, list[str]] = {}
    if not words or len(words) > MAX_TEXT_CHARS:
        wrong["text"] = [f"At most {MAX_TEXT_CHARS} characters." if words else "Say what is to be approved."]
    if rule not in ApprovalRequest.Rule.values:
        wrong["rule"] = ["One of: any, all."]
    if due_on is not None and due_on < timezone.localdate():
        wrong["due_on"] = ["Choose a day to come."]
    chosen = list(dict.fromkeys(approvers))
    people: set[UUID] = set()
    if not 1 <= len(chosen) <= MAX_APPROVERS:
        wrong["approvers"] = [f"Choose one to {MAX_APPROVERS} people or groups."]
    else:
        people, problem = _able_people(chosen, guarded, actor)
        if problem:
            wrong["approvers"] = [problem]
    if wrong:
        raise InvalidInput("Some of the values are not valid.", fields=wrong)
    spend_letters(len(people), actor_id=actor.user_id)
    approval = ApprovalRequest.objects.create(
        **{COLUMNS[type(subject)]: subject},
        text=words,
        rule=rule,
        due_on=due_on,
        asked_by_id=actor.user_id,
        asked_by_name=actor.name[:200],
    )
    ApprovalApprover.objects.bulk_create(
        ApprovalApprover(request=approval, **{"user" if isinstance(each, User) else "group": each})
        for each in chosen
    )
    note_on_task(approval, TaskActivity.Verb.APPROVAL_ASKED, words, actor)
    publish(ApprovalRequested(approval_id=approval.pk))
    for user_id in sorted(people):
        enqueue(REQUEST_LETTER_JOB, object_id=approval.pk, payload={"user_id": str(user_id)})
    look_daily(approval)
    remind_later(approval)
    log.info("approval.requested", approval_id=approval.pk, approvers=len(chosen), rule=rule)
    return visible_approval(actor=actor, approval_id=approval.pk)


def _able_people(
    chosen: Sequence[User | Group], guarded: Task | Project, actor: Actor
) -> tuple[set[UUID], str]:
    """Everybody who could answer, themselves or by a chosen group; and what is wrong with the choice, if anything."""
    groups = [each for each in chosen if isinstance(each, Group)]
    members: dict[UUID, set[UUID]] = {each.pk: set() for each in groups}
    rows = GroupMembership.objects.filter(group__in=groups).values_list("group_id", "user_id")
    for group_id, user_id in rows:
        members[group_id].add(user_id)
    users = {each.pk for each in chosen if isinstance(each, User)}
    # In a subquery: a group of the whole company is no list of ten thousand ids.
    named = Q(pk__in=users) | Q(pk__in=GroupMembership.objects.filter(group__in=groups).values("user"))
    able = set(people_who_may_approve(guarded).filter(named).values_list("pk", flat=True))
    able.discard(actor.user_id)
    for each in chosen:
        if isinstance(each, Group):
            if not members[each.pk] & able:
                return able, f"Nobody else in {each} may approve this. Share it with the group first."
        elif each.pk == actor.user_id:
            return able, "Nobody approves what they asked for themselves."
        elif each.pk not in able:
            return able, (
                f"{each} may not approve this. Share it with them first, with the permission to approve."
            )
    if len(able) > MAX_PEOPLE:
        return able, f"At most {MAX_PEOPLE} people can be asked at once; these would be {len(able)}."
    return able, ""


@atomic
def grant_approval(*, approval: ApprovalRequest, actor: Actor, note: str = "") -> ApprovalRequest:
    """Say yes. Raises: as `answer_approval`."""
    return answer_approval(approval=approval, answer=_Answer.APPROVED, actor=actor, note=note)


@atomic
def answer_approval(
    *, approval: ApprovalRequest, answer: str, actor: Actor, note: str = ""
) -> ApprovalRequest:
    """Answer once, as one of the approvers. Saying the same again changes nothing.

    By the rule "any" the first answer settles it; by "all" the last yes does, or the first other answer.
    Raises: NotFound, Forbidden (not asked, no permission any more, one's own question), InvalidInput (answer; no note
    with a no), Conflict (settled or withdrawn meanwhile, or answered otherwise before).
    """
    # Before anything is said of the answer: who may not give one is told that.
    require(actor, APPROVE, on=approval.guarded)
    words = clean_text(note).replace("\r\n", "\n").strip()
    if answer not in _Answer.values:
        raise InvalidInput("There is no such answer.", fields={"answer": ["Not known."]})
    if len(words) > MAX_NOTE_CHARS:
        raise InvalidInput(
            "This note is too long.", fields={"note": [f"At most {MAX_NOTE_CHARS} characters."]}
        )
    locked = _locked(approval)
    require(actor, APPROVE, on=locked.guarded)
    if locked.asked_by_id is not None and locked.asked_by_id == actor.user_id:
        raise Forbidden("Nobody approves what they asked for themselves.", code="forbidden.own_approval")
    if not ApprovalRequest.objects.filter(asks(actor.user_id), pk=locked.pk).exists():
        raise Forbidden("Your answer was not asked for.", code="forbidden.not_an_approver")
    mine = ApprovalDecision.objects.filter(request=locked, user=actor.user_id).first()
    if mine is not None:
        if mine.answer == answer:
            return visible_approval(actor=actor, approval_id=locked.pk)
        raise Conflict("You have answered this already.", code="conflict.approval_answered")
    if not locked.is_open:
        raise Conflict("This was settled meanwhile.", code="conflict.approval_settled")
    if answer != _Answer.APPROVED and not words:
        problem = "Say what should be different."
        raise InvalidInput(problem, fields={"note": [problem]})
    ApprovalDecision.objects.create(
        request=locked, user_id=actor.user_id, user_name=actor.name[:200], answer=answer, note=words
    )
    publish(ApprovalAnswered(approval_id=locked.pk, answer=str(answer)))
    if answer == _Answer.APPROVED:
        groups = GroupMembership.objects.filter(user=actor.user_id).values("group")
        locked.approvers.filter(Q(user=actor.user_id) | Q(group__in=groups), agreed_at=None).update(
            agreed_at=timezone.now()
        )
    if answer != _Answer.APPROVED or standing_of(locked) is Standing.AGREED:
        settle(locked, str(answer), actor, words)
    log.info("approval.answered", approval_id=locked.pk, answer=str(answer), state=locked.state)
    return visible_approval(actor=actor, approval_id=locked.pk)


@atomic
def withdraw_approval(*, approval: ApprovalRequest, actor: Actor) -> ApprovalRequest:
    """Need no answer any more: whoever asked, or who manages projects there. Repeating changes nothing.

    Raises: NotFound, Forbidden, Conflict (it was answered).
    """
    locked = _locked(approval)
    is_own = locked.asked_by_id is not None and locked.asked_by_id == actor.user_id
    require(actor, "tasks.request_approval" if is_own else "tasks.manage_projects", on=locked.guarded)
    if locked.state == _State.WITHDRAWN:
        return visible_approval(actor=actor, approval_id=locked.pk)
    if not locked.is_open:
        raise Conflict("This was settled meanwhile.", code="conflict.approval_settled")
    close(locked, _State.WITHDRAWN)
    note_on_task(locked, TaskActivity.Verb.APPROVAL_GONE, locked.text, actor)
    publish(ApprovalWithdrawn(approval_id=locked.pk))
    log.info("approval.withdrawn", approval_id=locked.pk)
    return visible_approval(actor=actor, approval_id=locked.pk)


def _locked(approval: ApprovalRequest) -> ApprovalRequest:
    rows = ApprovalRequest.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("task", "milestone__project", "project").filter(pk=approval.pk).first()
    if found is None:
        raise NotFound("There is no such approval.", code="approvals.not_found")
    return found
