"""Brings parents and dependencies together: the second phase of the merge, when the records pointed to are known."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from integrations.models import Connection, ExternalLink
from integrations.sync.canonical import RELATIONS, Canonical, Values
from integrations.sync.carrying import carried_values
from integrations.sync.counterparts import Counterparts, counterparts_for
from integrations.sync.links import lock_bases
from integrations.sync.merging import MergedRecord, Pair, decided, locked_values
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField
from tasks.drafts import UNSET, TaskDraft, TaskRelations, Unset


@dataclass(frozen=True, slots=True)
class MergedRelations:
    """What becomes of the relations of one record; a side that is not taken is not touched."""

    record: MergedRecord
    kept: dict[str, list[str]]

    @property
    def relations(self) -> TaskRelations:
        after = self.record.after
        parent, blockers = (
            after.get(OurField.PARENT.value, UNSET),
            after.get(OurField.BLOCKED_BY.value, UNSET),
        )
        return TaskRelations(
            task_id=self.record.draft.id,
            parent_id=UUID(parent)
            if isinstance(parent, str)
            else (UNSET if isinstance(parent, Unset) else None),
            depends_on_ids=tuple(UUID(item) for item in blockers) if isinstance(blockers, list) else UNSET,
        )


def merge_relations(
    connection: Connection,
    links: Sequence[ExternalLink],
    task_ids: Mapping[str, str],
    mappings: Mapping[UUID, CollectionMapping],
) -> list[MergedRelations]:
    """Decide about the relations links wait for; `task_ids` are the tasks of records by remote id.

    What points to a record that is not here counts as nothing and is kept beside, so that no write drops it. The tasks
    stay locked until the transaction ends.
    """
    waiting = [link for link in links if link.task_id is not None and link.collection_id in mappings]
    locals_ = locked_values([link.task_id for link in waiting if link.task_id], RELATIONS)
    lock_bases(waiting)
    found: list[MergedRelations] = []
    for collection_id, mapping in mappings.items():
        own = [link for link in waiting if link.collection_id == collection_id and link.task_id in locals_]
        rows = [locals_[link.task_id] for link in own if link.task_id]
        counterparts = counterparts_for(connection, mapping, rows) if own else Counterparts()
        pairs = [
            _pair(link, task_id, locals_[task_id], mapping, counterparts, task_ids)
            for link in own
            if (task_id := link.task_id) is not None
        ]
        found += [MergedRelations(item, _kept(item.link, task_ids)) for item in decided(pairs, mapping)]
    return found


def _pair(
    link: ExternalLink,
    task_id: UUID,
    local: Values,
    mapping: CollectionMapping,
    counterparts: Counterparts,
    task_ids: Mapping[str, str],
) -> Pair:
    return Pair(
        link=link,
        draft=TaskDraft(id=task_id),
        local=local,
        carried=carried_values(local, mapping, counterparts, base=link.base),
        incoming=incoming_relations(link.unresolved, task_ids, own_id=str(task_id)),
        base=link.base or {},
    )


def incoming_relations(
    references: Mapping[str, Sequence[str]], task_ids: Mapping[str, str], *, own_id: str
) -> Values:
    """What a record's references say, as far as the records they lead to are tasks here."""
    values: Values = {}
    for name, refs in references.items():
        ids = [found for ref in refs if (found := task_ids.get(ref)) is not None and found != own_id]
        value: Canonical = sorted(set(ids)) if name == OurField.BLOCKED_BY else next(iter(ids), None)
        values[name] = value
    return values


def _kept(link: ExternalLink, task_ids: Mapping[str, str]) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = dict(link.kept or {})
    for name, refs in link.unresolved.items():
        rest = _unused(name, refs, task_ids, str(link.task_id))
        kept.pop(name, None)
        if rest:
            kept[name] = rest
    return kept


def _unused(name: str, refs: Sequence[str], task_ids: Mapping[str, str], own_id: str) -> list[str]:
    used: Collection[str] = [ref for ref in refs if task_ids.get(ref, own_id) != own_id]
    if name == OurField.PARENT:
        used = list(used)[:1]
    return [ref for ref in refs if ref not in used]
