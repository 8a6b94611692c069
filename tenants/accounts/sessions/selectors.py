"""Which sign-ins there are."""

from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.access import Actor, can
from tenants.accounts.models import User, UserSession
from tenants.accounts.sessions.policy import Rules


def open_sign_ins(*, user: User, actor: Actor, rules: Rules) -> QuerySet[UserSession]:
    """Return a user's sign-ins that still hold, the last used first.

    One's own, or anyone's for those who manage sessions; nothing for others.
    """
    if actor.user_id != user.pk and not can(actor, "accounts.manage_sessions"):
        return UserSession.objects.none()
    now = timezone.now()
    return (
        UserSession.objects.select_related("user")
        .filter(user=user, ended_at=None)
        .filter(last_seen_at__gt=now - rules.idle, started_at__gt=now - rules.absolute)
        .order_by("-last_seen_at", "-id")
    )


def visible_sign_ins(*, actor: Actor) -> QuerySet[UserSession]:
    """Return the open sign-ins an actor may end: their own, or everybody's."""
    rows = UserSession.objects.select_related("user").filter(ended_at=None)
    if can(actor, "accounts.manage_sessions"):
        return rows
    return rows.filter(user__id=actor.user_id) if actor.user_id else rows.none()
