"""Comments under tasks."""

from __future__ import annotations

from typing import Final

from tasks.events import TaskCommented
from tasks.importing.normalising import clean_text
from tasks.models import Comment, Task
from tenants.accounts.access import Actor, require
from tenants.accounts.clients import is_client
from tenants.foundation.errors import InvalidInput
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

MAX_CHARS: Final = 20_000


@atomic
def add_comment(*, task: Task, body: str, actor: Actor, is_shared: bool = False) -> Comment:
    """Write a comment under a task: for the company's own people, or also for the clients it is shared with.

    What a client writes is always shared. Raises: Forbidden, InvalidInput (empty, or over 20,000 characters).
    """
    require(actor, "tasks.comment", on=task)
    text = clean_text(body).replace("\r\n", "\n").strip()
    if not text or len(text) > MAX_CHARS:
        problem = f"At most {MAX_CHARS} characters." if text else "Write something first."
        raise InvalidInput(problem, fields={"body": [problem]})
    comment = Comment.objects.create(
        task=task,
        author_id=actor.user_id,
        author_name=actor.name[:200],
        body=text,
        is_shared=is_shared or is_client(actor),
    )
    publish(TaskCommented(task_id=task.pk, comment_id=comment.pk))
    return comment
