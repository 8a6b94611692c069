"""The state of one record here: what is stored about it, and how that follows from what was read."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from integrations.capabilities import RemoteRecord
from integrations.models import ExternalLink, SyncedCollection
from integrations.sync.translate import REFERENCES, Translation
from tasks.models import Task

WRITTEN: Final = (
    "collection",
    "url",
    "title",
    "task",
    "project",
    "state",
    "state_reason",
    "failures",
    "content_hash",
    "base",
    "kept",
    "remote_created_at",
    "remote_edited_at",
    "seen_run_id",
    "is_body_stale",
    "body_due_at",
    "unresolved",
    "synced_at",
)


def links_by_remote_id(connection_id: UUID, remote_ids: Iterable[str]) -> dict[str, ExternalLink]:
    """The links of these records, with the project's name; one statement."""
    links = ExternalLink.objects.filter(connection_id=connection_id, remote_id__in=list(remote_ids))
    return {link.remote_id: link for link in links.select_related("project")}


def describe(
    link: ExternalLink, record: RemoteRecord, *, collection: SyncedCollection, run_id: UUID | None
) -> None:
    """Note on the link what the record says about itself; the text of the page is stale after any edit."""
    is_edited = link.remote_edited_at != record.edited_at
    link.collection = collection
    link.url = record.url
    link.title = record.title[:200]
    link.remote_created_at = record.created_at
    link.remote_edited_at = record.edited_at
    link.seen_run_id = run_id or link.seen_run_id
    if is_edited and collection.role == SyncedCollection.Role.TASKS:
        link.is_body_stale = True
        link.body_due_at = timezone.now()


def mark_clean(link: ExternalLink, *, content_hash: str) -> None:
    """Note that the record is taken over as it is."""
    link.state, link.state_reason, link.failures = ExternalLink.State.CLEAN, "", 0
    link.content_hash = content_hash
    link.synced_at = timezone.now()


def kept_after(link: ExternalLink, translation: Translation) -> dict[str, list[str]]:
    """What the record holds beside the values that were taken; what its relations hold is found out later."""
    before: dict[str, list[str]] = link.kept or {}
    relations = {item.value: before[item.value] for item in REFERENCES if item.value in before}
    return relations | {name: list(items) for name, items in translation.kept.items()}


def set_aside(link: ExternalLink, reason: str) -> None:
    """Put a record into quarantine: it is tried again, and its task (if there is one) stays as it was."""
    link.state, link.state_reason = ExternalLink.State.QUARANTINED, reason[:500]
    link.failures += 1
    link.content_hash = ""


def lock_tasks(task_ids: "Collection[UUID] | QuerySet[ExternalLink, Any]") -> None:
    """Lock tasks until the transaction ends, in the one order; whoever only points to them does not wait."""
    tasks = Task.objects.filter(pk__in=task_ids).select_for_update(no_key=True).order_by("pk")
    list(tasks.values_list("pk"))


def lock_bases(links: Iterable[ExternalLink]) -> None:
    """Lock the links and take over what both sides agree on now: somebody may have settled a conflict meanwhile.

    Whoever changes a base holds the lock of the task first; one statement.
    """
    by_id = {link.pk: link for link in links if not link._state.adding}
    if not by_id:
        return
    rows = ExternalLink.objects.filter(pk__in=list(by_id)).select_for_update(no_key=True).order_by("pk")
    for pk, base, kept in rows.values_list("pk", "base", "kept"):
        by_id[pk].base, by_id[pk].kept = base, kept


def write_links(links: Iterable[ExternalLink], *, fields: Sequence[str] = WRITTEN) -> None:
    """Write links, new and old, in one statement; of old ones only these fields.

    In the order in which everybody locks them: who reads texts holds links of the same page meanwhile.
    """
    ExternalLink.objects.bulk_create(
        sorted(links, key=lambda link: link.pk),
        update_conflicts=True,
        unique_fields=["connection", "remote_id"],
        update_fields=list(fields),
    )
