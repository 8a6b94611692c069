"""Letters about approvals: to those whose answer is asked for, and to whoever asked."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from tasks.approvals.selectors import waiting_for
from tasks.models import ApprovalDecision, ApprovalRequest, Project, Task
from tasks.selectors import visible_project_rows, visible_tasks
from tenants.accounts.access import can
from tenants.accounts.clients import is_client
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.foundation.letters import Letter, LetterKind, Variable, register_letter, write_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address

REQUEST_LETTER_JOB: Final = "tasks.approval_asked_letter"
REMINDER_LETTER_JOB: Final = "tasks.approval_due_letter"
ANSWER_LETTER_JOB: Final = "tasks.approval_answered_letter"
NOBODY_LEFT_LETTER_JOB: Final = "tasks.approval_nobody_left_letter"
_LINK: Final = Variable(
    name="link",
    meaning=_("Where it is"),
    sample="https://work.example/approvals/1/",
    is_required=True,
    is_link=True,
)
_COMPANY: Final = Variable(name="company", meaning=_("The company's name"), sample="Example Works")
_TEXT: Final = Variable(
    name="text", meaning=_("What is to be approved"), sample=_("The plan of the new depot")
)
_SUBJECT: Final = Variable(name="subject", meaning=_("Task, milestone or project"), sample="DEP-7 Foundation")

ASKED: Final = LetterKind(
    code="approval_asked",
    title=_("Approval asked for"),
    description=_("To everybody whose approval is asked for."),
    subject=_("{{ asked_by }} asks for your approval: {{ subject }}"),
    body=_(
        "Hello {{ name }},\n\n{{ asked_by }} of {{ company }} asks for your approval of {{ subject }}:\n\n"
        "{{ text }}\n\n"
        "Please answer by {{ due }}.\n\n{{ link }}"
    ),
    button=_("See and answer"),
    variables=(
        Variable(name="name", meaning=_("Who is asked"), sample="Clara Client-Example"),
        Variable(name="asked_by", meaning=_("Who asks"), sample="Mona Manager-Example"),
        Variable(name="due", meaning=_("Until when; may be empty"), sample="1 March"),
        _COMPANY, _SUBJECT, _TEXT, _LINK,
    ),
)  # fmt: skip
DUE: Final = LetterKind(
    code="approval_due",
    title=_("Approval due"),
    description=_("On the day before an approval is due, once, to everybody whose answer is missing."),
    subject=_("Due {{ due }}: {{ subject }}"),
    body=_(
        "Hello {{ name }},\n\nyour answer is still missing: {{ asked_by }} of {{ company }} asks for your approval of "
        "{{ subject }} by {{ due }}.\n\n{{ text }}\n\n{{ link }}"
    ),
    button=_("See and answer"),
    variables=(
        Variable(name="name", meaning=_("Who is asked"), sample="Clara Client-Example"),
        Variable(name="asked_by", meaning=_("Who asks"), sample="Mona Manager-Example"),
        Variable(name="due", meaning=_("Until when"), sample="1 March"),
        _COMPANY, _SUBJECT, _TEXT, _LINK,
    ),
)  # fmt: skip
NOBODY_LEFT: Final = LetterKind(
    code="approval_nobody_left",
    title=_("Nobody is left to approve"),
    description=_("To whoever asked for an approval, when nobody they asked can answer any more."),
    subject=_("Nobody can answer any more: {{ subject }}"),
    body=_(
        "Hello {{ name }},\n\nnobody you asked for an approval of {{ subject }} can answer any more: they left, or it "
        "is no longer shared with them. The approval is still open.\n\n{{ text }}\n\n"
        "Share it with them again, or withdraw the request and ask somebody else.\n\n{{ link }}"
    ),
    button=_("Open it"),
    variables=(
        Variable(name="name", meaning=_("Who asked"), sample="Mona Manager-Example"),
        _COMPANY, _SUBJECT, _TEXT, _LINK,
    ),
)  # fmt: skip
ANSWERED: Final = LetterKind(
    code="approval_answered",
    title=_("Approval answered"),
    description=_("To whoever asked for an approval, when it is settled."),
    subject=_("{{ outcome }}: {{ subject }}"),
    body=_(
        "Hello {{ name }},\n\nyour request for an approval of {{ subject }} is settled: {{ outcome }}.\n\n"
        "{{ answered_by }} wrote: {{ note }}\n\n{{ link }}"
    ),
    button=_("Open it"),
    variables=(
        Variable(name="name", meaning=_("Who asked"), sample="Mona Manager-Example"),
        Variable(name="outcome", meaning=_("How it ended"), sample=_("Approved")),
        Variable(name="answered_by", meaning=_("Who answered last"), sample="Clara Client-Example"),
        Variable(name="note", meaning=_("What they wrote; may be empty"), sample=_("Looks good.")),
        _COMPANY, _SUBJECT, _TEXT, _LINK,
    ),
)  # fmt: skip
SHARED: Final = LetterKind(
    code="shared_with_client",
    title=_("Shared with a client"),
    description=_("To a client with whom a task or project was shared. They sign in by a link sent to their address."),
    subject=_("{{ by }} of {{ company }} shares {{ subject }} with you"),
    body=_(
        "Hello {{ name }},\n\n{{ by }} of {{ company }} shares {{ subject }} with you.\n\n{{ link }}\n\n"
        "You need no password: enter this address ({{ email }}) there, and you get a link that signs you in."
    ),
    button=_("Open it"),
    variables=(
        Variable(name="name", meaning=_("Who it is shared with"), sample="Clara Client-Example"),
        Variable(name="email", meaning=_("Their address"), sample="clara@client.example"),
        Variable(name="by", meaning=_("Who shares"), sample="Mona Manager-Example"),
        _COMPANY, _SUBJECT, _LINK,
    ),
)  # fmt: skip


def register() -> None:
    """Make the letters known."""
    register_letter(ASKED, DUE, ANSWERED, NOBODY_LEFT, SHARED)


def share_letter(*, thing_id: UUID, user_id: UUID, is_task: bool, by: str) -> Letter | None:
    """The letter to a client with whom something was shared; None when it was taken back since."""
    with atomic():
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None:
            return None
        actor = actor_for(user)
        thing: Task | Project | None
        if is_task:
            thing = visible_tasks(actor=actor).live().filter(pk=thing_id).first()
            path = reverse("portal:task", args=[thing.key]) if thing else ""
        else:
            thing = visible_project_rows(actor=actor).filter(pk=thing_id).first()
            path = reverse("portal:project", args=[thing_id])
        if thing is None:
            return None
        facts = {
            "name": str(user),
            "email": user.email,
            "company": current_tenant().name,
            "by": by,
            "subject": f"{thing.key} {thing.title}" if isinstance(thing, Task) else thing.name,
            "link": primary_address(f"{reverse('account_sign_in_link')}?{urlencode({'next': path})}"),
        }
        return write_letter(SHARED.code, to=user.email, facts=facts, language=_language(user))


def request_letter(*, approval_id: UUID, user_id: UUID, kind: LetterKind = ASKED) -> Letter | None:
    """The letter (or the reminder, `DUE`) to one approver; None when no answer of theirs is awaited: it is settled,
    or they may not see it.
    """
    with atomic():
        approval = _found(approval_id)
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if approval is None or user is None:
            return None
        # A group is asked as a whole; some of its people may not see what it is about.
        actor = actor_for(user)
        is_awaited = waiting_for(actor=actor).filter(pk=approval.pk).exists()
        if not (is_awaited and can(actor, "tasks.approve", approval.guarded)):
            return None
        facts = _facts(approval, user) | {"asked_by": approval.asked_by_name, "due": approval.due_on}
        return write_letter(kind.code, to=user.email, facts=facts, language=_language(user))


def answer_letter(*, approval_id: UUID) -> Letter | None:
    """The letter to whoever asked; None when they are not here any more."""
    with atomic():
        approval = _found(approval_id)
        if approval is None or approval.asked_by is None or not approval.asked_by.is_active:
            return None
        last = ApprovalDecision.objects.filter(request=approval).order_by("-created_at", "-pk").first()
        facts = _facts(approval, approval.asked_by) | {
            "outcome": str(ApprovalRequest.State(approval.state).label),
            "answered_by": last.user_name if last else "",
            "note": last.note if last else "",
        }
        user = approval.asked_by
        return write_letter(ANSWERED.code, to=user.email, facts=facts, language=_language(user))


def nobody_left_letter(*, approval_id: UUID) -> Letter | None:
    """The letter to whoever asked what nobody can answer; None when somebody can again, or they are not here."""
    with atomic():
        approval = _found(approval_id)
        if approval is None or approval.nobody_left_at is None:
            return None
        user = approval.asked_by
        if user is None or not user.is_active:
            return None
        facts = _facts(approval, user)
        return write_letter(NOBODY_LEFT.code, to=user.email, facts=facts, language=_language(user))


def _found(approval_id: UUID) -> ApprovalRequest | None:
    rows = ApprovalRequest.objects.select_related("task", "milestone__project", "project", "asked_by")
    return rows.filter(pk=approval_id).first()


def _facts(approval: ApprovalRequest, user: User) -> dict[str, str]:
    route = "portal:approval" if is_client(actor_for(user)) else "tasks:approval"
    return {
        "name": str(user),
        "company": current_tenant().name,
        "subject": subject_name(approval),
        "text": approval.text,
        "link": primary_address(reverse(route, args=[approval.pk])),
    }


def subject_name(approval: ApprovalRequest) -> str:
    """What an approval is about, as a letter or a line names it."""
    if approval.task is not None:
        return f"{approval.task.key} {approval.task.title}"
    if approval.milestone is not None:
        return f"{approval.milestone.name} ({approval.milestone.project.name})"
    return approval.project.name if approval.project is not None else ""


def _language(user: User) -> str:
    return user.language or current_tenant().language
