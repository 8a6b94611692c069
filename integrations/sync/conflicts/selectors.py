"""Reads of conflicts, as far as the reader may see them."""

from uuid import UUID

from django.db.models import QuerySet

from integrations.models import Conflict, Connection
from tenants.accounts.access import Actor, can
from tenants.accounts.models import User
from tenants.foundation.errors import NotFound


def visible_conflicts(*, actor: Actor) -> QuerySet[Conflict]:
    """The conflicts of the company, newest first, with their tasks and workspaces; disconnected ones left out."""
    if not can(actor, "integrations.sync"):
        return Conflict.objects.none()
    return (
        Conflict.objects.exclude(connection__state=Connection.State.DISCONNECTED)
        .select_related("connection", "link", "task")
        .order_by("-id")
    )


def conflict_for(*, actor: Actor, conflict_id: UUID) -> Conflict:
    """One conflict. Raises: NotFound."""
    found = visible_conflicts(actor=actor).filter(pk=conflict_id).first()
    if found is None:
        raise NotFound("There is no such conflict.")
    return found


def open_conflict_count(*, actor: Actor) -> int:
    """How many conflicts wait for somebody."""
    return visible_conflicts(actor=actor).filter(state=Conflict.State.OPEN).count()


def decider_name(conflict: Conflict) -> str:
    """Who decided: a person's name, or the rule."""
    if conflict.settled_by_id is None:
        return "The rule"
    name = User.objects.filter(pk=conflict.settled_by_id).values_list("name", flat=True).first()
    return name or "Somebody who has left"
