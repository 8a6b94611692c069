"""Background work of the tasks: letters about approvals and shares."""

from uuid import UUID

from tasks.approvals.letters import (
    ANSWER_LETTER_JOB,
    DUE,
    NOBODY_LEFT_LETTER_JOB,
    REMINDER_LETTER_JOB,
    REQUEST_LETTER_JOB,
    answer_letter,
    nobody_left_letter,
    request_letter,
    share_letter,
)
from tasks.approvals.reminding import REMIND_JOB, remind
from tasks.approvals.settling import (
    LOOK_AT_ALL_JOB,
    LOOK_AT_ONE_JOB,
    is_settled,
    look_again,
    look_at_open_approvals,
)
from tasks.sharing import SHARE_LETTER_JOB
from tenants.dispatch import Work, tenant_job
from tenants.tenancy import atomic


@tenant_job(REQUEST_LETTER_JOB, max_attempts=5)
def send_approval_request(work: Work) -> None:
    """Tell one approver that their answer is asked for."""
    if work.object_id is not None:
        letter = request_letter(approval_id=work.object_id, user_id=UUID(str(work.payload["user_id"])))
        if letter is not None:
            letter.send()


@tenant_job(REMIND_JOB, max_attempts=5)
def remind_of_approval(work: Work) -> None:
    """Have everybody reminded whose answer is missing the day before it is due, once."""
    if work.object_id is not None:
        with atomic():
            remind(work.object_id)
            # One with the letters asked for: a worker killed afterwards does not ask for them twice.
            work.finish()


@tenant_job(REMINDER_LETTER_JOB, max_attempts=5)
def send_approval_reminder(work: Work) -> None:
    """Remind one approver."""
    if work.object_id is not None:
        user_id = UUID(str(work.payload["user_id"]))
        letter = request_letter(approval_id=work.object_id, user_id=user_id, kind=DUE)
        if letter is not None:
            letter.send()


@tenant_job(LOOK_AT_ALL_JOB, max_attempts=5, coalesce=True)
def look_again_at_approvals(_work: Work) -> None:
    """Somebody lost a right: settle what waited for them alone, and tell who asked where nobody is left."""
    look_at_open_approvals()


@tenant_job(LOOK_AT_ONE_JOB, max_attempts=5)
def look_at_approval_daily(work: Work) -> None:
    """Rights run out by themselves; the last look is the one that finds it settled."""
    if work.object_id is None:
        return
    look_again(work.object_id)
    if is_settled(work.object_id):
        work.end_schedule()


@tenant_job(NOBODY_LEFT_LETTER_JOB, max_attempts=5)
def send_nobody_left(work: Work) -> None:
    """Tell whoever asked that nobody can answer any more."""
    if work.object_id is not None:
        letter = nobody_left_letter(approval_id=work.object_id)
        if letter is not None:
            letter.send()


@tenant_job(ANSWER_LETTER_JOB, max_attempts=5)
def send_approval_answer(work: Work) -> None:
    """Tell whoever asked how an approval ended."""
    if work.object_id is not None:
        letter = answer_letter(approval_id=work.object_id)
        if letter is not None:
            letter.send()


@tenant_job(SHARE_LETTER_JOB, max_attempts=5)
def send_share_letter(work: Work) -> None:
    """Tell a client that something was shared with them."""
    if work.object_id is not None:
        letter = share_letter(
            thing_id=work.object_id,
            user_id=UUID(str(work.payload["user_id"])),
            is_task=bool(work.payload["is_task"]),
            by=str(work.payload["by"]),
        )
        if letter is not None:
            letter.send()
