"""Takes texts over that were read: what changed there, what changed here, and what somebody has to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from integrations.capabilities import BodyLanguage
from integrations.models import Conflict, ExternalLink, SyncChange
from integrations.sync.body_agreement import Verdict, decide, hash_of_normal
from integrations.sync.body_storing import (
    Agreed,
    agree_on,
    agreed_bodies,
    close_conflict,
    language_of,
    note_conflict,
    sides_of,
)
from integrations.sync.journal import Counts, Journal
from integrations.sync.problems import Problem
from integrations.sync.push.requests import request_push
from integrations.sync.session import OpenSource
from tasks.models import Task
from tasks.services import set_task_descriptions
from tenants.accounts.access import SYSTEM
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic

#: An edit within the same minute would not show in the edit time, so such a text is read once more.
_OPEN_MINUTE: Final = timedelta(seconds=60)
#: A page the service fails for is asked again later, so that it does not hold up the others.
_PAUSE_AFTER_FAILURE: Final = timedelta(minutes=10)


@dataclass
class _Taken:
    """What is to be written about one batch."""

    texts: dict[UUID, str] = field(default_factory=dict)
    agreed: dict[ExternalLink, str] = field(default_factory=dict)
    to_send: list[UUID] = field(default_factory=list)
    changes: list[SyncChange] = field(default_factory=list)
    overtaken: set[UUID] = field(default_factory=set)


def take_over_texts(
    links: Sequence[ExternalLink],
    bodies: Mapping[UUID, str],
    problems: Mapping[UUID, Problem],
    journal: Journal,
    opened: OpenSource,
) -> None:
    """Write down what was read of these links (text by link id), in one transaction."""
    now = timezone.now()
    with atomic():
        taken = _compare(links, bodies, journal)
        result = set_task_descriptions(bodies=taken.texts, actor=SYSTEM)
        if taken.agreed:
            agree_on(taken.agreed)
        SyncChange.objects.bulk_create(taken.changes)
        for link in links:
            if link.pk in taken.overtaken:
                continue
            due_at = _due_again(link, now, was_read=link.pk in bodies, problem=problems.get(link.pk))
            changes = {"is_body_stale": due_at is not None, "body_due_at": due_at, "body_read_at": now}
            # An edit that was noticed while we read makes the text stale again: leave that mark alone.
            ExternalLink.objects.filter(pk=link.pk, remote_edited_at=link.remote_edited_at).update(**changes)
        for problem in problems.values():
            journal.note(problem)
        counts = Counts(
            done=len(links),
            changed=len(result.updated_ids),
            unchanged=len(bodies) - len(result.updated_ids),
            failed=sum(problem.code == "body_failed" for problem in problems.values()),
        )
        journal.progress(counts, calls=opened.guard.take_count())
        journal.flush()
        if taken.to_send:
            request_push(task_ids=taken.to_send, is_interactive=False)


def _compare(links: Sequence[ExternalLink], bodies: Mapping[UUID, str], journal: Journal) -> _Taken:
    taken = _Taken()
    read = [link for link in links if link.pk in bodies and link.task_id is not None]
    if not read:
        return taken
    wanted = Task.objects.filter(pk__in=[link.task_id for link in read]).only(
        "pk", "description", "updated_at"
    )
    tasks = {task.pk: task for task in wanted.select_for_update(no_key=True).order_by("pk")}
    hashes = dict(
        ExternalLink.objects.filter(pk__in=[link.pk for link in read])
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk", "body_hash")
    )
    known = agreed_bodies(read)
    for link in read:
        task = tasks.get(link.task_id) if link.task_id else None
        if task is None:
            continue
        if hashes.get(link.pk) != link.body_hash:
            # The text was written from here while it was being read: what was read is older than what both know.
            taken.overtaken.add(link.pk)
            continue
        _settle(taken, link, task, known.get(link.pk, Agreed()), bodies[link.pk], journal)
    return taken


def _settle(
    taken: _Taken, link: ExternalLink, task: Task, agreed: Agreed, remote: str, journal: Journal
) -> None:
    language: BodyLanguage = language_of(link.connection.connector)
    normal = language.normal(remote)
    if hash_of_normal(normal) == link.body_hash and agreed.sending is None:
        return
    sides = sides_of(link, agreed, local=task.description, remote=remote, local_changed_at=task.updated_at)
    decision = decide(language, sides)
    if decision.verdict is Verdict.CONFLICT:
        note_conflict(link, sides, run_id=journal.run.pk)
        return
    taken.agreed[link] = normal
    close_conflict(link, chosen=_CHOSEN[decision.verdict], reason=_REASONS[decision.verdict])
    if decision.verdict in {Verdict.TAKE, Verdict.MERGE} and decision.text != task.description:
        taken.texts[task.pk] = decision.text
        if task.description:  # a first text belongs to the import
            taken.changes.append(_change(link, task, decision.text, journal))
    if decision.verdict in {Verdict.KEEP, Verdict.MERGE}:
        taken.to_send.append(task.pk)


_CHOSEN: Final = {
    Verdict.SAME: Conflict.Side.REMOTE,
    Verdict.TAKE: Conflict.Side.REMOTE,
    Verdict.KEEP: Conflict.Side.LOCAL,
    Verdict.MERGE: Conflict.Side.MERGED,
}
_REASONS: Final = {
    Verdict.SAME: "Both sides came to say the same.",
    Verdict.TAKE: "The change here was taken back, so the one there counts.",
    Verdict.KEEP: "The change there was taken back, so the one here counts.",
    Verdict.MERGE: "Both changes went together.",
}


def _change(link: ExternalLink, task: Task, text: str, journal: Journal) -> SyncChange:
    return SyncChange(
        id=uuid7(), run=journal.run, collection_id=link.collection_id, link_id=link.pk, task_id=task.pk,
        title=link.title, side=SyncChange.Side.HERE, action=SyncChange.Action.UPDATED,
        fields={"description": [task.description, text]},
    )  # fmt: skip


def _due_again(
    link: ExternalLink, now: datetime, *, was_read: bool, problem: Problem | None
) -> datetime | None:
    """When the text of a page is to be read once more; None when it is settled."""
    if problem is not None and problem.code == "body_later":
        return now + _PAUSE_AFTER_FAILURE
    closes_at = (link.remote_edited_at or now) + _OPEN_MINUTE
    return closes_at + timedelta(seconds=5) if was_read and now <= closes_at else None
