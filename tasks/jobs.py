"""Background work of the tasks: letters about approvals and shares."""

from uuid import UUID

from tasks.approvals.letters import (
    ANSWER_LETTER_JOB,
    REQUEST_LETTER_JOB,
    answer_letter,
    request_letter,
    share_letter,
)
from tasks.sharing import SHARE_LETTER_JOB
from tenants.dispatch import Work, tenant_job


@tenant_job(REQUEST_LETTER_JOB, max_attempts=5)
def send_approval_request(work: Work) -> None:
    """Tell one approver that their answer is asked for."""
    if work.object_id is not None:
        letter = request_letter(approval_id=work.object_id, user_id=UUID(str(work.payload["user_id"])))
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
