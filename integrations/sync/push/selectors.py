"""What waits to be sent and what was refused, and how a task stands with its records."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from integrations.models import Conflict, Connection, ExternalLink, Push
from integrations.sync.push.refusals import hint_of
from tenants.accounts.access import Actor, can
from tenants.foundation.errors import NotFound


class Standing(StrEnum):
    """How a task stands with one of its records."""

    IN_STEP = "in_step"
    WAITING = "waiting"
    SENDING = "sending"
    HELD = "held"
    REFUSED = "refused"
    CONFLICT = "conflict"
    SET_ASIDE = "set_aside"
    TRASHED = "trashed"
    MOVED = "moved"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class TaskStanding:
    """A task and one record of it: where that is, whether they are in step, and what a person can do about it.

    `push_id` is what waits or was refused; `conflicts` counts fields somebody has to decide about, `overwritten` those
    whose edit there our own write went over unread, until somebody has looked.
    """

    standing: Standing
    connection_name: str
    collection_title: str
    url: str
    reason: str = ""
    hint: str = ""
    conflicts: int = 0
    overwritten: int = 0
    push_id: UUID | None = None


_OVERWRITTEN: Final = Q(conflicts__state=Conflict.State.DECIDED, conflicts__policy=Conflict.UNREAD)
_OF_LINK: Final = {
    ExternalLink.State.QUARANTINED: Standing.SET_ASIDE,
    ExternalLink.State.TRASHED_REMOTE: Standing.TRASHED,
    ExternalLink.State.MOVED_REMOTE: Standing.MOVED,
    ExternalLink.State.ACCESS_LOST: Standing.LOST,
}
_OF_PUSH: Final = {
    Push.State.PARKED: Standing.REFUSED,
    Push.State.HELD: Standing.HELD,
    Push.State.SENDING: Standing.SENDING,
    Push.State.AMBIGUOUS: Standing.SENDING,
    Push.State.WAITING: Standing.WAITING,
}


def visible_pushes(*, actor: Actor) -> QuerySet[Push]:
    """What is to be sent to the company's workspaces, the newest edit first."""
    if not can(actor, "integrations.view"):
        return Push.objects.none()
    present = Push.objects.exclude(connection__state=Connection.State.DISCONNECTED)
    return present.select_related("connection", "collection", "link", "task").order_by("-id")


def push_for(*, actor: Actor, push_id: UUID) -> Push:
    """One push. Raises: NotFound."""
    found = visible_pushes(actor=actor).filter(pk=push_id).first()
    if found is None:
        raise NotFound("Nothing is to be sent there.", code="integrations.push_not_found")
    return found


def standings_of(*, actor: Actor, task_id: UUID) -> Sequence[TaskStanding]:
    """How a task stands with each of its records, one that is still to be made among them; none if it is only ours."""
    if not can(actor, "integrations.view"):
        return []
    links = (
        ExternalLink.objects.filter(task=task_id)
        .exclude(connection__state=Connection.State.DISCONNECTED)
        .select_related("connection", "collection")
        .prefetch_related(Prefetch("pushes", Push.objects.all()))
        .annotate(open_conflicts=Count("conflicts", filter=Q(conflicts__state=Conflict.State.OPEN)))
        .annotate(overwritten=Count("conflicts", filter=_OVERWRITTEN))
    )
    found = [_of_link(link) for link in links.order_by("created_at", "id")]
    to_be_made = visible_pushes(actor=actor).filter(task=task_id, link=None)
    return [*found, *(_of_push(push) for push in to_be_made)]


def _of_link(link: ExternalLink) -> TaskStanding:
    push = next(iter(link.pushes.all()), None)
    conflicts = int(getattr(link, "open_conflicts", 0))
    standing, reason, hint = Standing.IN_STEP, "", ""
    if link.state in _OF_LINK:
        standing, reason = _OF_LINK[ExternalLink.State(link.state)], link.state_reason
    elif conflicts:
        standing = Standing.CONFLICT
    elif push is not None:
        standing, reason, hint = _told(push)
    return TaskStanding(
        standing=standing, connection_name=link.connection.name, collection_title=link.collection.title,
        url=link.url, reason=reason, hint=hint, conflicts=conflicts,
        overwritten=int(getattr(link, "overwritten", 0)), push_id=push.pk if push else None,
    )  # fmt: skip


def _of_push(push: Push) -> TaskStanding:
    standing, reason, hint = _told(push)
    return TaskStanding(
        standing=standing, connection_name=push.connection.name, collection_title=push.collection.title,
        url="", reason=reason, hint=hint, push_id=push.pk,
    )  # fmt: skip


def _told(push: Push) -> tuple[Standing, str, str]:
    standing = _OF_PUSH[Push.State(push.state)]
    if standing is Standing.REFUSED:
        return standing, push.error, hint_of(push.error_code)
    if push.connection.state != Connection.State.CONNECTED:
        return standing, push.connection.state_reason or push.connection.get_state_display(), ""
    return standing, "", ""
