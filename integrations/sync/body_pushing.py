"""Writes a task's text to its record: read what is there, merge, send the fewest calls, note what both have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import BodyContent, BodyLanguage, ProblemKind, SourceError
from integrations.models import Conflict, ExternalLink, FieldMapping
from integrations.sync.body_agreement import Decision, Sides, Verdict, decide, hash_of
from integrations.sync.body_storing import (
    Agreed,
    agree,
    agreed_bodies,
    close_conflict,
    has_open_conflict,
    language_of,
    note_conflict,
    note_sending,
    sides_of,
)
from integrations.sync.guarded_body_sink import TextDesk
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tasks.services import set_task_descriptions
from tenants.accounts.access import SYSTEM
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Lists deeper than a request may hold take a round for every three levels.
_MOST_ROUNDS: Final = 12
#: Edit times are cut to the minute: once more is read when the minute of our own write is over.
_OPEN_MINUTE: Final = timedelta(seconds=65)


class BodyOutcome(StrEnum):
    """What became of a text that was to be written."""

    UNCHANGED = "unchanged"
    SENT = "sent"
    TAKEN = "taken"
    CONFLICT = "conflict"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class _Texts:
    link: ExternalLink
    agreed: Agreed
    local: str
    changed_at: datetime


def body_is_dirty(link: ExternalLink, text: str) -> bool:
    """Whether the task says something else than both sides agreed on; a few microseconds for most texts."""
    return (
        link.task_id is not None and hash_of(language_of(link.connection.connector), text) != link.body_hash
    )


def writes_bodies(collection_id: UUID) -> bool:
    """Whether texts of this collection are written there; inside a transaction.

    Not where a column holds the description, and not where every column is only read.
    """
    rows = FieldMapping.objects.filter(collection=collection_id).exclude(state=FieldMapping.State.SUSPENDED)
    kinds = list(rows.values_list("our_field", "direction"))
    if any(name == OurField.DESCRIPTION for name, _ in kinds):
        return False
    return any(direction != FieldMapping.Direction.IN for _, direction in kinds)


def push_body(
    open_desk: Callable[[], TextDesk],
    link: ExternalLink,
    *,
    check: Callable[[], None] = lambda: None,
    hold: Callable[[], None] = lambda: None,
    run_id: UUID | None = None,
) -> BodyOutcome:
    """Bring the text of a record in step with its task. Outside a transaction; no call when it is in step.

    Whoever is killed between two calls has lost nothing: the text is read again, and what is left is sent. `check`
    runs between two calls, `hold` inside the transactions that write; `open_desk` is only asked when a call is needed.
    Raises: SourceError, LimitReached, LeaseLost.
    """
    language = language_of(link.connection.connector)
    texts = _dirty_texts(link, language)
    if texts is None:
        return BodyOutcome.UNCHANGED
    if texts == BodyOutcome.HELD:
        return BodyOutcome.HELD
    assert isinstance(texts, _Texts)
    desk = open_desk()
    content = desk.read(link.remote_id, check=check)
    sides = sides_of(
        texts.link,
        texts.agreed,
        local=texts.local,
        remote=content.markdown,
        local_changed_at=texts.changed_at,
    )
    decision = decide(language, sides)
    if decision.verdict is Verdict.CONFLICT:
        with atomic():
            hold()
            note_conflict(texts.link, sides, run_id=run_id)
        return BodyOutcome.CONFLICT
    return _carry_out(desk, texts, sides, decision, content, language, check, hold)


def note_new_body(link: ExternalLink, text: str) -> None:
    """A record was made with this text, as far as it fits into the call; the rest is written like any edit.

    Inside a transaction.
    """
    agree(link, language_of(link.connection.connector).beginning(text))
    # Nobody else has edited it yet; whether somebody did within its first minute shows when that is over.
    now = timezone.now()
    ExternalLink.objects.filter(pk=link.pk).update(body_read_at=now, body_due_at=now + _OPEN_MINUTE)


def _dirty_texts(link: ExternalLink, language: BodyLanguage) -> "_Texts | BodyOutcome | None":
    with atomic():
        found = ExternalLink.objects.select_related("connection", "task").filter(pk=link.pk).first()
        if found is None or found.task is None or found.state != ExternalLink.State.CLEAN:
            return None
        local = found.task.description
        agreed = agreed_bodies([found]).get(found.pk, Agreed())
        is_in_step = hash_of(language, local) == found.body_hash and agreed.sending is None
        if is_in_step or not writes_bodies(found.collection_id):
            return None
        if not found.body_hash and not local.strip():
            return None  # nothing was read yet, and there is nothing to say: the reading of texts comes first
        if has_open_conflict(found):
            return BodyOutcome.HELD
        return _Texts(found, agreed, local, found.task.updated_at)


def _carry_out(
    desk: TextDesk,
    texts: _Texts,
    sides: Sides,
    decision: Decision,
    content: BodyContent,
    language: BodyLanguage,
    check: Callable[[], None],
    hold: Callable[[], None],
) -> BodyOutcome:
    edited_at: datetime | None = None
    final, sent = content.markdown, 0
    if decision.verdict in {Verdict.KEEP, Verdict.MERGE}:
        with atomic():
            hold()
            note_sending(texts.link, decision.text)
        for _ in range(_MOST_ROUNDS):
            plan = desk.plan(content, decision.text)
            for step in plan.steps:
                check()
                edited_at = _later(edited_at, desk.send(step))
                sent += 1
            final = plan.outcome
            if plan.is_whole:
                break
            content = desk.read(content.record_id, check=check)
        else:
            raise SourceError(
                "The text is nested too deeply to be written.",
                service=texts.link.connection.connector,
                kind=ProblemKind.INVALID_REQUEST,
            )
    with atomic():
        hold()
        _note(texts, sides, language.normal(final), edited_at, language)
    log.info("body.pushed", link_id=texts.link.pk, verdict=decision.verdict.value, calls=sent)
    return BodyOutcome.SENT if sent else BodyOutcome.TAKEN


def _note(
    texts: _Texts, sides: Sides, final: str, edited_at: datetime | None, language: BodyLanguage
) -> None:
    link = texts.link
    assert link.task_id is not None
    # The task before its link, as everybody locks them.
    task = Task.objects.select_for_update(no_key=True).filter(pk=link.task_id).first()
    agree(link, final)
    close_conflict(link, chosen=Conflict.Side.MERGED, reason="Both sides say the same now.")
    # An edit made while we wrote stays, and is written next.
    if task is not None and task.description == sides.local and language.normal(sides.local) != final:
        set_task_descriptions(bodies={task.pk: final}, actor=SYSTEM)
    changes: dict[str, object] = {"body_read_at": timezone.now()}
    if edited_at is not None:
        # This edit time is our own doing; somebody else's within the same minute shows when it is over.
        changes |= {
            "remote_edited_at": edited_at,
            "is_body_stale": True,
            "body_due_at": edited_at + _OPEN_MINUTE,
        }
    ExternalLink.objects.filter(pk=link.pk).update(**changes)


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((item for item in (first, second) if item is not None), default=None)
