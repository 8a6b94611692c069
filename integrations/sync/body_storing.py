"""Writes down what both sides' texts are now: the agreed text, the task's description, a conflict."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import BodyLanguage
from integrations.models import AgreedBody, Conflict, ExternalLink, FieldMapping
from integrations.registry import body_language
from integrations.sync.body_agreement import PlainLanguage, Sides, hash_of_normal
from integrations.sync.vocabulary import OurField
from tenants.foundation.errors import NotFound

log = structlog.get_logger(__name__)

_FIELD = OurField.DESCRIPTION.value


def language_of(connector: str) -> BodyLanguage:
    """How texts of this connector are compared."""
    try:
        return body_language(connector)
    except NotFound:
        return PlainLanguage()


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides had last (None while nobody knows), and what is being written there."""

    text: str | None = None
    sending: str | None = None


def agreed_bodies(links: Collection[ExternalLink]) -> dict[UUID, Agreed]:
    """What is known of the texts of these records, by link; one statement."""
    rows = AgreedBody.objects.filter(link__in=links).select_related("link")
    return {row.link_id: Agreed(row.text if row.link.body_hash else None, row.sending) for row in rows}


def agreed_text(link: ExternalLink) -> str:
    """The text both sides had last; inside a transaction."""
    return AgreedBody.objects.filter(link=link).values_list("text", flat=True).first() or ""


def sides_of(
    link: ExternalLink, agreed: Agreed, *, local: str, remote: str, local_changed_at: datetime
) -> Sides:
    """The three texts of one record."""
    read_at = link.body_read_at
    is_untouched = agreed.text is None and read_at is not None and local_changed_at <= read_at
    return Sides(agreed.text, local, remote, sending=agreed.sending, is_untouched=is_untouched)


def note_sending(link: ExternalLink, text: str) -> None:
    """Note what is about to be written there, before the first call of it; inside a transaction."""
    AgreedBody.objects.update_or_create(link=link, defaults={"sending": text})


def agree_on(texts: Mapping[ExternalLink, str]) -> None:
    """As `agree`, for many records; two statements."""
    now = timezone.now()
    AgreedBody.objects.bulk_create(
        [AgreedBody(link=link, text=text, updated_at=now) for link, text in texts.items()],
        update_conflicts=True,
        unique_fields=["link"],
        update_fields=["text", "updated_at"],
    )
    for link, text in texts.items():
        link.body_hash = hash_of_normal(text)
    ExternalLink.objects.bulk_update(texts, ["body_hash"])


def agree(link: ExternalLink, text: str) -> None:
    """Note that both sides had this text, in its normal form; inside a transaction. Nothing waits any more."""
    AgreedBody.objects.update_or_create(link=link, defaults={"text": text, "sending": None})
    link.body_hash = hash_of_normal(text)
    ExternalLink.objects.filter(pk=link.pk).update(body_hash=link.body_hash)


def is_text_of_page(link: ExternalLink, our_field: str) -> bool:
    """Whether this field of the record is the text of its page, not a column; inside a transaction."""
    if our_field != _FIELD:
        return False
    return not FieldMapping.objects.filter(collection=link.collection_id, our_field=our_field).exists()


def know_text_there(link: ExternalLink, text: str) -> None:
    """From now on both sides know the text there: what differs from it here is to be sent. Inside a transaction."""
    agree(link, language_of(link.connection.connector).normal(text))


def note_conflict(link: ExternalLink, sides: Sides, *, run_id: UUID | None = None) -> None:
    """Keep all three texts and have somebody choose; inside a transaction. One open row a link, kept up to date."""
    now = timezone.now()
    values = {
        "connection_id": link.connection_id,
        "task_id": link.task_id,
        "run_id": run_id,
        "policy": "manual",
        "base": sides.base,
        "local": sides.local,
        "remote": sides.remote,
        "reason": "Both sides changed the same part of the text.",
        "remote_changed_at": link.remote_edited_at,
        "local_changed_at": now,
    }
    row = Conflict.objects.open().filter(link=link, our_field=_FIELD).select_for_update().first()
    if row is None:
        Conflict.objects.create(link=link, our_field=_FIELD, state=Conflict.State.OPEN, **values)
        log.info("conflict.found", connection_id=link.connection_id, field=_FIELD, count=1)
        return
    if (row.base, row.local, row.remote) == (sides.base, sides.local, sides.remote):
        return  # whoever looks at it may decide about what they see
    if row.local == sides.local:
        values.pop("local_changed_at")
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def close_conflict(link: ExternalLink, *, chosen: str, reason: str) -> None:
    """End a conflict about the text that has resolved itself; inside a transaction."""
    now = timezone.now()
    Conflict.objects.open().filter(link=link, our_field=_FIELD).update(
        state=Conflict.State.SETTLED, chosen=chosen, reason=reason, settled_at=now, updated_at=now
    )


def has_open_conflict(link: ExternalLink) -> bool:
    """Whether somebody has to choose first; inside a transaction."""
    return Conflict.objects.open().filter(link=link, our_field=_FIELD).exists()
