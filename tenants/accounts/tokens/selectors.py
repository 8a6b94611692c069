"""Which tokens there are."""

from django.db.models import QuerySet

from tenants.accounts.access import Actor, can, require
from tenants.accounts.models import ApiToken


def visible_api_tokens(*, actor: Actor) -> QuerySet[ApiToken]:
    """Return the actor's own tokens, or everybody's for those who manage them. Raises: Forbidden."""
    require(actor, "accounts.use_api_tokens")
    tokens = ApiToken.objects.select_related("user").order_by("-created_at", "-id")
    if can(actor, "accounts.manage_api_tokens"):
        return tokens
    return tokens.filter(user__id=actor.user_id) if actor.user_id else tokens.none()
