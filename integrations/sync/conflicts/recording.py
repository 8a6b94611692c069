"""Writes conflicts down as the merge finds them, and closes those that have ended by themselves."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.models import Conflict, Connection, ExternalLink
from integrations.sync.carrying import RECORD
from integrations.sync.merge import UNKNOWN, Merged, Outcome, Winner
from integrations.sync.merging import MergedRecord
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField

log = structlog.get_logger(__name__)

_UPDATED = (
    "policy",
    "base",
    "local",
    "remote",
    "chosen",
    "reason",
    "state",
    "settled_at",
    "local_changed_at",
    "remote_changed_at",
    "run_id",
    "updated_at",
)


def record_conflicts(
    connection: Connection,
    mapping: CollectionMapping,
    records: Sequence[MergedRecord],
    *,
    run_id: UUID | None,
) -> int:
    """Keep every conflict of these records with its three values; returns how many are new.

    A field that waits has one open row, whose values follow what both sides are; it is closed when they agree again,
    or when one side takes its change back. Two statements, one more for each kind of row written.
    """
    known = [item for item in records if not item.is_new]
    waiting = _open_rows(item.link for item in known)
    fresh: list[Conflict] = []
    changed: list[Conflict] = []
    for item in known:
        for name, merged in item.merged.items():
            row = waiting.get((item.link.pk, name))
            if merged.is_conflict:
                if row is None:
                    row = Conflict(
                        connection=connection, link=item.link, task_id=item.draft.id, our_field=name
                    )
                    fresh.append(row)
                else:
                    changed.append(row)
                _describe(row, item, name, merged, mapping, run_id)
            elif row is not None:
                _close(row, merged)
                changed.append(row)
    if fresh:
        Conflict.objects.bulk_create(fresh)
        log.info("conflict.found", connection_id=connection.pk, count=len(fresh))
    if changed:
        Conflict.objects.bulk_update(changed, list(_UPDATED))
    return len(fresh)


def _open_rows(links: Iterable[ExternalLink]) -> dict[tuple[UUID, str], Conflict]:
    ids = [link.pk for link in links]
    if not ids:
        return {}
    rows = Conflict.objects.open().filter(link__in=ids).select_for_update().order_by("pk")
    return {(row.link_id, row.our_field): row for row in rows}


def _describe(
    row: Conflict,
    item: MergedRecord,
    name: str,
    merged: Merged,
    mapping: CollectionMapping,
    run_id: UUID | None,
) -> None:
    column = mapping.column_of(OurField(name))
    base = item.agreed.get(name, UNKNOWN)
    row.policy = _policy(merged, column.policy if column else "", column.direction if column else "")
    row.base = None if base is UNKNOWN else base
    row.local, row.remote = item.local.get(name), item.incoming.get(name)
    row.chosen = {Winner.REMOTE: Conflict.Side.REMOTE, Winner.LOCAL: Conflict.Side.LOCAL}.get(
        merged.winner, ""
    )
    row.reason = merged.reason
    row.state = Conflict.State.OPEN if merged.outcome is Outcome.WAIT else Conflict.State.DECIDED
    row.settled_at = None if row.state == Conflict.State.OPEN else timezone.now()
    row.local_changed_at = item.local_times.get(name)
    row.remote_changed_at = item.link.remote_edited_at
    row.run_id = run_id
    row.updated_at = timezone.now()


def _policy(merged: Merged, policy: str, direction: str) -> str:
    """The rule that applied: the policy, or the direction where only one side counts."""
    return policy if direction == "both" or merged.outcome is Outcome.WAIT else direction


def _close(row: Conflict, merged: Merged) -> None:
    row.state, row.settled_at, row.updated_at = Conflict.State.SETTLED, timezone.now(), timezone.now()
    match merged.outcome:
        case Outcome.TAKE:
            row.chosen = Conflict.Side.REMOTE
            row.reason = "The change here was taken back, so the one there counts."
        case Outcome.KEEP:
            row.chosen = Conflict.Side.LOCAL
            row.reason = "The change there was taken back, so the one here counts."
        case Outcome.MERGE:
            row.chosen = Conflict.Side.MERGED
            row.reason = "Both changes went together."
        case _:
            row.chosen = Conflict.Side.REMOTE
            row.reason = "Both sides came to say the same."


def is_disputed(link: ExternalLink) -> bool:
    """Whether somebody has to say first what becomes of the record as a whole: until then nothing of it is sent."""
    return Conflict.objects.open().filter(link=link, our_field=RECORD).exists()


def close_record_conflicts(links: Iterable[ExternalLink], *, reason: str, chosen: str) -> int:
    """Close open conflicts about whole records, because the records are back or the tasks are gone."""
    ids = [link.pk for link in links]
    if not ids:
        return 0
    now = timezone.now()
    return (
        Conflict.objects.open()
        .filter(link__in=ids, our_field=RECORD)
        .update(state=Conflict.State.SETTLED, chosen=chosen, reason=reason, settled_at=now, updated_at=now)
    )
