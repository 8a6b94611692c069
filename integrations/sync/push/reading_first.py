"""A record that is known to have changed, or was never compared, is read before it is written."""

from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from integrations.capabilities import RecordPage
from integrations.models import InboundEvent, Push
from integrations.sync.conflicts.overwritten import tell_overwritten
from integrations.sync.push.writer import Writer
from integrations.sync.taking_over import take_over
from tenants.tenancy import atomic

#: What an event can tell of that a reading of the record shows.
_SHOWN: Final = (InboundEvent.Change.CREATED, InboundEvent.Change.VALUES)


def is_to_be_read_first(writer: Writer, push: Push) -> bool:
    """Whether nobody knows what both sides agree on, or an event waits that says that somebody changed the record.

    No call; our own changes are told of as well, and are no news.
    """
    if push.link is None:
        return False
    if push.link.base is None:
        return True
    with atomic():
        return any(set(ids) != {writer.connection.account_id} for ids in _authors(writer, push))


def read_first(writer: Writer, push: Push) -> None:
    """Merge the record as a reading would; that answers the events about its values. One call, outside a transaction.

    Raises: SourceError, LimitReached, LeaseLost.
    """
    assert push.link is not None
    with atomic():
        told = list(_waiting(writer, push).values_list("pk", flat=True))
    record, now = writer.session.source.record(push.link.remote_id), timezone.now()
    with atomic():
        context = writer.context(push.collection)
    take_over(context, RecordPage(records=(record,), next_cursor=None, server_time=now))
    with atomic():
        writer.session.hold()
        answered = InboundEvent.objects.filter(pk__in=told, state=InboundEvent.State.WAITING)
        tell_overwritten(writer.connection, answered.order_by("occurred_at", "id"))
        answered.update(
            state=InboundEvent.State.DONE, handled_at=now, reason="Read before a change was sent there."
        )


def _waiting(writer: Writer, push: Push) -> QuerySet[InboundEvent]:
    assert push.link is not None
    return InboundEvent.objects.filter(
        connection=writer.connection,
        state=InboundEvent.State.WAITING,
        entity_id=push.link.remote_id,
        change__in=_SHOWN,
    )


def _authors(writer: Writer, push: Push) -> list[list[str]]:
    return list(_waiting(writer, push).values_list("author_ids", flat=True))
