"""Approvals: asked for, answered once by each approver under a lock, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from tasks.activity import Happening, record
from tasks.approvals.letters import ANSWER_LETTER_JOB, REQUEST_LETTER_JOB
from tasks.approvals.selectors import COLUMNS, Subject, asks, visible_approval
from tasks.events import (
    ApprovalAnswered,
    ApprovalChangesRequested,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    ApprovalWithdrawn,
)
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
from tenants.accounts.access import Actor, can, require
from tenants.accounts.models import Group, User
from tenants.accounts.selectors import actor_for
from tenants.dispatch import enqueue
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.outbox.bus import DomainEvent, publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MAX_TEXT_CHARS: Final = 4_000
MAX_NOTE_CHARS: Final = 4_000
MAX_APPROVERS: Final = 20
_State = ApprovalRequest.State
_Answer = ApprovalDecision.Answer
_OUTCOMES: Final[dict[str, type[DomainEvent]]] = {
    _State.APPROVED: ApprovalGranted,
    _State.CHANGES_REQUESTED: ApprovalChangesRequested,
    _State.REFUSED: ApprovalRefused,
}


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
    if problem := _wrong_approvers(chosen, guarded, actor):
        wrong["approvers"] = [problem]
    if wrong:
        raise InvalidInput("Some of the values are not valid.", fields=wrong)
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
    _note(approval, TaskActivity.Verb.APPROVAL_ASKED, words, actor)
    publish(ApprovalRequested(approval_id=approval.pk))
    for user_id in _people_of(chosen, but=actor.user_id):
        enqueue(REQUEST_LETTER_JOB, object_id=approval.pk, payload={"user_id": str(user_id)})
    log.info("approval.requested", approval_id=approval.pk, approvers=len(chosen), rule=rule)
    return visible_approval(actor=actor, approval_id=approval.pk)


def _wrong_approvers(chosen: Sequence[User | Group], guarded: Task | Project, actor: Actor) -> str:
    if not 1 <= len(chosen) <= MAX_APPROVERS:
        return f"Choose one to {MAX_APPROVERS} people or groups."
    for each in chosen:
        if isinstance(each, User):
            if each.pk == actor.user_id:
                return "Nobody approves what they asked for themselves."
            if not each.is_active or not can(actor_for(each), "tasks.approve", guarded):
                return (
                    f"{each} may not approve this. Share it with them first, with the permission to approve."
                )
        elif not any(
            can(actor_for(person), "tasks.approve", guarded)
            for person in _active_but(each, actor.user_id)[:MAX_APPROVERS]
        ):
            return f"Nobody else in {each} may approve this. Share it with the group first."
    return ""


def _active_but(group: Group, user_id: UUID | None) -> QuerySet[User]:
    people = User.objects.filter(access_groups=group, is_active=True)
    return people.exclude(pk=user_id) if user_id is not None else people


def _people_of(chosen: Sequence[User | Group], *, but: UUID | None) -> list[UUID]:
    found = {each.pk for each in chosen if isinstance(each, User)}
    groups = [each.pk for each in chosen if isinstance(each, Group)]
    found |= set(User.objects.filter(access_groups__in=groups, is_active=True).values_list("pk", flat=True))
    return sorted(found - {but})


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
    words = clean_text(note).replace("\r\n", "\n").strip()
    if answer not in _Answer.values:
        raise InvalidInput("There is no such answer.", fields={"answer": ["Not known."]})
    if len(words) > MAX_NOTE_CHARS:
        raise InvalidInput(
            "This note is too long.", fields={"note": [f"At most {MAX_NOTE_CHARS} characters."]}
        )
    locked = _locked(approval)
    require(actor, "tasks.approve", on=locked.guarded)
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
    if answer != _Answer.APPROVED or locked.rule == ApprovalRequest.Rule.ANY or _all_said_yes(locked):
        _settle(locked, str(answer), actor, words)
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
    _close(locked, _State.WITHDRAWN)
    _note(locked, TaskActivity.Verb.APPROVAL_GONE, locked.text, actor)
    publish(ApprovalWithdrawn(approval_id=locked.pk))
    log.info("approval.withdrawn", approval_id=locked.pk)
    return visible_approval(actor=actor, approval_id=locked.pk)


def _locked(approval: ApprovalRequest) -> ApprovalRequest:
    rows = ApprovalRequest.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("task", "milestone__project", "project").filter(pk=approval.pk).first()
    if found is None:
        raise NotFound("There is no such approval.", code="approvals.not_found")
    return found


def _all_said_yes(approval: ApprovalRequest) -> bool:
    """Whether everybody who can still answer did: who is deactivated, and an empty group, are not waited for."""
    agreed = set(approval.decisions.values_list("user_id", flat=True))
    for approver in approval.approvers.select_related("user", "group"):
        if approver.user is not None:
            is_missing = approver.user.is_active and approver.user.pk not in agreed
        else:
            assert approver.group is not None
            members = set(_active_but(approver.group, approval.asked_by_id).values_list("pk", flat=True))
            is_missing = bool(members) and not (members & agreed)
        if is_missing:
            return False
    return True


def _settle(approval: ApprovalRequest, state: str, actor: Actor, note: str) -> None:
    _close(approval, state)
    is_yes = state == _State.APPROVED
    verb = TaskActivity.Verb.APPROVAL_GIVEN if is_yes else TaskActivity.Verb.APPROVAL_DENIED
    _note(approval, verb, note or approval.text, actor)
    publish(_OUTCOMES[state](approval_id=approval.pk))  # type: ignore[call-arg]
    if approval.asked_by_id is not None:
        enqueue(ANSWER_LETTER_JOB, object_id=approval.pk)


def _close(approval: ApprovalRequest, state: str) -> None:
    approval.state, approval.decided_at = state, timezone.now()
    approval.save(update_fields=["state", "decided_at"])


def _note(approval: ApprovalRequest, verb: TaskActivity.Verb, text: str, actor: Actor) -> None:
    if approval.task_id is not None:
        record(
            [Happening(task_id=approval.task_id, verb=verb, changes={"approval": (None, text)})], actor=actor
        )
