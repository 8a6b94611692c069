"""Decides conflicts: one click takes a side, another takes it back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F
from django.utils import timezone

from integrations.models import Conflict, Connection, ExternalLink, Push
from integrations.services import enqueue_pushes
from integrations.sync.body_storing import is_text_of_page, know_text_there
from integrations.sync.canonical import Canonical, local_values
from integrations.sync.carrying import RECORD
from integrations.sync.conflicts.applying import apply_value
from integrations.sync.conflicts.selectors import decider_name
from integrations.sync.conflicts.text_merge import merge_texts
from integrations.sync.push.requests import request_push
from integrations.sync.vocabulary import OurField
from tasks.models import Task
from tasks.services import archive_tasks, restore_tasks
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict as NotNow
from tenants.foundation.errors import DomainError, InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MAX_AT_ONCE: Final = 200
Side = Conflict.Side
#: Which side a decision is taken back to.
_OTHER: Final = {
    Side.REMOTE: Side.LOCAL,
    Side.LOCAL: Side.REMOTE,
    Side.BASE: Side.LOCAL,
    Side.MERGED: Side.LOCAL,
}
_TEXTS: Final = frozenset({OurField.TITLE.value, OurField.DESCRIPTION.value})


@dataclass(frozen=True, slots=True)
class Refused:
    """A conflict that could not be decided with the others, and why."""

    conflict_id: UUID
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ChosenTogether:
    """What became of many conflicts decided at once."""

    settled_ids: tuple[UUID, ...] = ()
    refused: tuple[Refused, ...] = field(default_factory=tuple)


@atomic
def choose(
    *, conflict_id: UUID, side: str, actor: Actor, seen_at: datetime | None = None, is_sure: bool = False
) -> Conflict:
    """Settle a conflict by taking a side: the task gets its value here, and what differs is sent there.

    `seen_at` is the `updated_at` the chooser saw: when the values have moved on since, nothing is decided. `is_sure`
    says that the chooser knows that the task has been edited here since.

    Raises: Forbidden, NotFound, InvalidInput (no such side here), Conflict (settled already, or moved on).
    """
    require(actor, "integrations.sync")
    row, task, link = _locked(conflict_id)
    if row.state == Conflict.State.SETTLED:
        name, at = decider_name(row), row.settled_at or row.updated_at
        raise NotNow(
            f"{name} has decided this already, on {timezone.localtime(at):%d %b at %H:%M}.",
            code="integrations.conflict_settled",
            params={"chosen": row.chosen},
        )
    _check_seen(row, task, seen_at, is_sure=is_sure, is_harmless=side == row.chosen)
    _take(row, task, link, Side(_known(row, side)), actor)
    return row


@atomic
def revert(
    *, conflict_id: UUID, actor: Actor, seen_at: datetime | None = None, is_sure: bool = False
) -> Conflict:
    """Take a decision back, a rule's or a person's: the value that had given way counts.

    Raises: Forbidden, NotFound, Conflict (not decided yet, the values have moved on since, or nobody knows what the
    other one was).
    """
    require(actor, "integrations.sync")
    row, task, link = _locked(conflict_id)
    if row.state == Conflict.State.OPEN or not row.chosen:
        raise NotNow("This is not decided yet.", code="integrations.conflict_open")
    if not is_revertible(row):
        raise NotNow(
            "What it said there was never read here, so it cannot be brought back from here.",
            code="integrations.conflict_unread",
        )
    _check_seen(row, task, seen_at, is_sure=is_sure)
    _take(row, task, link, _OTHER[Side(row.chosen)], actor)
    return row


@atomic
def choose_many(*, conflict_ids: Sequence[UUID], side: str, actor: Actor) -> ChosenTogether:
    """Take the same side in up to 200 conflicts; those for which it is not possible are left and told.

    Raises: Forbidden, InvalidInput (too many).
    """
    require(actor, "integrations.sync")
    if len(conflict_ids) > MAX_AT_ONCE:
        raise InvalidInput(f"At most {MAX_AT_ONCE} at once.", fields={"ids": [f"At most {MAX_AT_ONCE}."]})
    _lock_together(conflict_ids)
    settled: list[UUID] = []
    refused: list[Refused] = []
    for conflict_id in sorted(set(conflict_ids)):
        try:
            with atomic():
                choose(conflict_id=conflict_id, side=side, actor=actor)
        except DomainError as error:
            refused.append(Refused(conflict_id, error.code, error.message))
        else:
            settled.append(conflict_id)
    return ChosenTogether(tuple(settled), tuple(refused))


def is_revertible(row: Conflict) -> bool:
    """Whether a decision was made, and the value that gave way is known."""
    return row.state != Conflict.State.OPEN and bool(row.chosen) and _OTHER[Side(row.chosen)] in sides_of(row)


def merged_value(row: Conflict) -> str | None:
    """Both edits in one text, where it is a text and they do not overlap; None otherwise."""
    base, local, remote = row.base, row.local, row.remote
    if row.our_field not in _TEXTS or not (
        isinstance(base, str) and isinstance(local, str) and isinstance(remote, str)
    ):
        return None
    return merge_texts(base, local, remote)


def value_of(row: Conflict, side: str) -> Canonical:
    """The value a side stands for."""
    match side:
        case Side.REMOTE:
            value: Canonical = row.remote
        case Side.LOCAL:
            value = row.local
        case Side.MERGED:
            value = merged_value(row)
        case _:
            value = row.base
    return value


def sides_of(row: Conflict) -> list[str]:
    """The sides one can take in this conflict."""
    if row.our_field == RECORD:
        return [Side.LOCAL, Side.REMOTE]
    sides: list[str] = [Side.LOCAL, Side.REMOTE] if row.is_remote_known else [Side.LOCAL]
    if row.base is not None or row.our_field != OurField.TITLE:
        sides.append(Side.BASE)
    return [*sides, Side.MERGED] if merged_value(row) is not None else sides


def value_now(row: Conflict) -> Canonical:
    """What the task has here at this moment; None for a record as a whole."""
    if row.our_field == RECORD:
        return None
    our_field = OurField(row.our_field)
    return local_values([row.task_id], fields=[our_field]).get(row.task_id, {}).get(our_field.value)


def _lock_together(conflict_ids: Sequence[UUID]) -> None:
    """Lock all that is decided at once, kind by kind and by key: one after the other would cross a reading's way."""
    rows = list(Conflict.objects.filter(pk__in=conflict_ids))
    connections = Connection.objects.filter(pk__in={row.connection_id for row in rows})
    list(connections.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    tasks = Task.objects.filter(pk__in={row.task_id for row in rows})
    list(tasks.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    links = ExternalLink.objects.filter(pk__in={row.link_id for row in rows})
    list(links.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _locked(conflict_id: UUID) -> tuple[Conflict, Task, ExternalLink]:
    """The conflict with its task and its link, locked in the order in which a pull locks them."""
    ids = Conflict.objects.filter(pk=conflict_id).values_list("task_id", "link_id").first()
    if ids is None:
        raise NotFound("There is no such conflict.")
    task = Task.objects.select_for_update(no_key=True).filter(pk=ids[0]).first()
    link = ExternalLink.objects.select_for_update(no_key=True).filter(pk=ids[1]).first()
    row = Conflict.objects.select_for_update().filter(pk=conflict_id).first()
    if task is None or link is None or row is None:
        raise NotFound("There is no such conflict.")
    return row, task, link


def _known(row: Conflict, side: str) -> str:
    if side not in sides_of(row):
        raise InvalidInput(
            "This cannot be chosen here.",
            code="integrations.no_such_side",
            fields={"side": [f"Choose one of: {', '.join(sides_of(row))}."]},
        )
    return side


def _check_seen(
    row: Conflict, task: Task, seen_at: datetime | None, *, is_sure: bool, is_harmless: bool = False
) -> None:
    """Make sure that what is decided about is what the chooser saw. Raises: Conflict."""
    has_moved = seen_at is not None and seen_at != row.updated_at
    if row.our_field != RECORD and not is_harmless and not is_sure:
        expected = row.local if row.state == Conflict.State.OPEN else value_of(row, row.chosen)
        has_moved = has_moved or value_now(row) != expected
    if has_moved:
        raise NotNow(
            "The values have moved on since. Look at them again before you decide.",
            code="integrations.conflict_moved_on",
            params={"task": str(task.pk)},
        )


def _take(row: Conflict, task: Task, link: ExternalLink, side: Side, actor: Actor) -> None:
    if row.our_field == RECORD:
        _take_record(task, link, side, actor)
    else:
        _take_value(row, task, link, side, actor)
    row.chosen, row.state = side, Conflict.State.SETTLED
    row.settled_by_id, row.settled_at = actor.user_id, timezone.now()
    row.save(update_fields=["chosen", "state", "settled_by_id", "settled_at", "updated_at"])
    log.info("conflict.settled", conflict_id=row.pk, field=row.our_field, chosen=side)


def _take_value(row: Conflict, task: Task, link: ExternalLink, side: Side, actor: Actor) -> None:
    was_open = row.state == Conflict.State.OPEN
    # What is here stays here: of one that waits that is the value as it is now, whoever edited it since.
    if not (was_open and side == Side.LOCAL) and side != row.chosen:
        apply_value(task, OurField(row.our_field), value_of(row, side), actor=actor)
    if was_open and is_text_of_page(link, row.our_field):
        know_text_there(link, str(row.remote or ""))
    elif was_open:
        # From now on both sides know of the value there: what differs from it here is to be sent.
        link.base = {**(link.base or {}), row.our_field: row.remote}
        link.save(update_fields=["base"])
    request_push(task_ids=[task.pk], is_interactive=True)


def _take_record(task: Task, link: ExternalLink, side: Side, actor: Actor) -> None:
    if side == Side.REMOTE:
        archive_tasks(ids=[task.pk], actor=actor)
        return
    restore_tasks(ids=[task.pk], actor=actor)
    if link.state == ExternalLink.State.TRASHED_REMOTE:
        _bring_back(task, link)
    else:
        request_push(task_ids=[task.pk], is_interactive=True)


def _bring_back(task: Task, link: ExternalLink) -> None:
    """Have the record taken out of the trash there; what was edited here follows."""
    now = timezone.now()
    push, is_new = Push.objects.select_for_update().get_or_create(
        connection_id=link.connection_id,
        task=task,
        defaults={
            "collection_id": link.collection_id,
            "link": link,
            "kind": Push.Kind.RESTORE,
            "not_before": now,
        },
    )
    if not is_new and push.state not in {Push.State.SENDING, Push.State.AMBIGUOUS}:
        push.kind, push.state, push.not_before, push.is_interactive = (
            Push.Kind.RESTORE,
            Push.State.WAITING,
            now,
            True,
        )
        push.generation = F("generation") + 1
        push.save(update_fields=["kind", "state", "not_before", "is_interactive", "generation", "updated_at"])
    enqueue_pushes(link.connection_id)
