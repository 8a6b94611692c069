"""The second phase: references between records, set once the records they point to are here."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from integrations.models import ExternalLink
from integrations.sync.journal import Counts
from integrations.sync.session import SyncSession
from integrations.sync.vocabulary import OurField
from tasks.drafts import UNSET, TaskRelations
from tasks.services import set_task_relations
from tenants.accounts.access import SYSTEM
from tenants.tenancy import atomic

_BATCH: Final = 200


def resolve_relations(session: SyncSession) -> int:
    """Set parents and dependencies of all links that wait for it; returns how many tasks were looked at.

    What points to a record that is not here stays noted on the link and is tried again when there are new
    ones. Calls no service. Raises: LimitReached, LeaseLost, Stopped.
    """
    last: UUID | None = None
    count = 0
    while True:
        session.check()
        with atomic():
            session.hold()
            links = _waiting(session, after=last)
            if not links:
                return count
            _resolve(session, links)
        last = links[-1].pk
        count += len(links)


def _waiting(session: SyncSession, *, after: UUID | None) -> Sequence[ExternalLink]:
    links = ExternalLink.objects.filter(connection=session.connection, task__isnull=False)
    links = links.exclude(unresolved={})
    if after is not None:
        links = links.filter(pk__gt=after)
    return list(links.order_by("pk")[:_BATCH])


def _resolve(session: SyncSession, links: Sequence[ExternalLink]) -> None:
    wanted = {ref for link in links for refs in link.unresolved.values() for ref in refs}
    rows = ExternalLink.objects.filter(connection=session.connection, remote_id__in=wanted)
    task_ids = dict(rows.exclude(task=None).values_list("remote_id", "task_id"))
    relations = [_relations(link.task_id, link.unresolved, task_ids) for link in links if link.task_id]
    result = set_task_relations(links=relations, actor=SYSTEM)
    fresh = set(result.updated_ids) - session.touched_ids - _told_by_former_workers(session, links)
    session.touched_ids |= fresh
    done: list[ExternalLink] = []
    for link in links:
        if all(ref in task_ids for refs in link.unresolved.values() for ref in refs):
            link.unresolved = {}
            done.append(link)
    ExternalLink.objects.bulk_update(done, ["unresolved"])
    if fresh:
        # The page they came with has counted them as unchanged; those this run did not read, nobody has.
        counted = min(len(fresh), session.run.unchanged)
        session.journal.progress(Counts(changed=len(fresh), unchanged=-counted), calls=0)


def _told_by_former_workers(session: SyncSession, links: Sequence[ExternalLink]) -> set[UUID]:
    """Tasks this run took over before it was interrupted: whoever did so has counted them for good."""
    began = session.run.created_at, session.began_at
    return {
        link.task_id
        for link in links
        if link.task_id and link.synced_at and began[0] <= link.synced_at < began[1]
    }


def _relations(
    task_id: UUID, references: Mapping[str, Sequence[str]], task_ids: Mapping[str, UUID]
) -> TaskRelations:
    """The relations of one task; a side that is not mapped is not among the references and not touched."""
    found = {side: [task_ids[ref] for ref in refs if ref in task_ids] for side, refs in references.items()}
    parents = found.get(OurField.PARENT)
    blockers = found.get(OurField.BLOCKED_BY)
    return TaskRelations(
        task_id=task_id,
        parent_id=UNSET if parents is None else next(iter(parents), None),
        depends_on_ids=UNSET if blockers is None else tuple(dict.fromkeys(blockers)),
    )
