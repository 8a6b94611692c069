"""The text of a task as part of a push: sent before its values, so that the row about it stays until both are there."""

from dataclasses import replace
from typing import Final

import structlog

from integrations.capabilities import ProblemKind, SourceError
from integrations.models import ExternalLink, Push, SyncChange
from integrations.sync.body_pushing import BodyOutcome, body_is_dirty, push_body, writes_bodies
from integrations.sync.body_storing import agreed_text
from integrations.sync.guarded_body_sink import open_desk
from integrations.sync.push.refusals import Refusal, of_error
from integrations.sync.push.writer import Writer
from integrations.sync.vocabulary import OurField
from tenants.foundation.errors import NotFound
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: What will be refused again: the values go without the text, and somebody has to look.
_FINAL: Final = {
    ProblemKind.FORBIDDEN,
    ProblemKind.INVALID_REQUEST,
    ProblemKind.STORAGE_FULL,
    ProblemKind.UNREADABLE,
}


def send_body(writer: Writer, push: Push) -> Refusal | None:
    """Write the text of the push's task to its record where they differ. Outside a transaction.

    Returns why it was refused. Raises: SourceError (anything that may pass, a record that is gone, the connection's
    own problem), LimitReached, LeaseLost.
    """
    link = push.link
    if push.kind != Push.Kind.UPDATE or link is None or link.state != ExternalLink.State.CLEAN:
        return None
    link.connection = writer.connection
    with atomic():
        before = agreed_text(link)
    session = writer.session
    try:
        outcome = push_body(
            lambda: open_desk(writer.connection, session.guard),
            link,
            check=session.check,
            hold=session.hold,
            run_id=None if writer.run._state.adding else writer.run.pk,
        )
    except NotFound:
        return None  # this connector writes values only
    except SourceError as error:
        if error.kind not in _FINAL:
            raise
        log.warning("body.refused", link_id=link.pk, kind=error.kind.value)
        return replace(of_error(error, {}), field_name=OurField.DESCRIPTION.value)
    if outcome is BodyOutcome.SENT:
        _write_down(writer, push, link, before)
    return None


def first_body(writer: Writer, push: Push) -> str:
    """The text a new record is made with; inside a transaction."""
    return push.task.description if writes_bodies(push.collection_id) else ""


def is_rest_left(link: ExternalLink, text: str) -> bool:
    """Whether a new record holds only the beginning of its text."""
    return bool(text) and body_is_dirty(link, text)


def _write_down(writer: Writer, push: Push, link: ExternalLink, before: str) -> None:
    with atomic():
        session = writer.session
        session.hold()
        writer.count(pushed=1)
        SyncChange.objects.create(
            id=uuid7(), run=writer.run, collection=push.collection, link_id=link.pk, task_id=push.task_id,
            title=link.title, side=SyncChange.Side.THERE, action=SyncChange.Action.UPDATED,
            fields={OurField.DESCRIPTION.value: [before, agreed_text(link)]},
        )  # fmt: skip
