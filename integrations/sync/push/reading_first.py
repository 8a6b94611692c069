"""A record nobody has compared yet is read before it is written, so that nothing there is overwritten unseen."""

from django.utils import timezone

from integrations.capabilities import RecordPage
from integrations.models import Push
from integrations.sync.push.writer import Writer
from integrations.sync.taking_over import take_over
from tenants.tenancy import atomic


def read_first(writer: Writer, push: Push) -> None:
    """Learn what both sides agree on about a record: it is merged as a reading would. One call, outside a transaction.

    Raises: SourceError, LimitReached, LeaseLost.
    """
    assert push.link is not None
    record = writer.session.source.record(push.link.remote_id)
    with atomic():
        context = writer.context(push.collection)
    take_over(context, RecordPage(records=(record,), next_cursor=None, server_time=timezone.now()))
