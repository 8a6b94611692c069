"""The actor of a request behind a sign-in."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.accounts.access import UserActor


def actor_of(request: HttpRequest) -> UserActor:
    """Return the signed-in actor. Raises: PermissionDenied when nobody is signed in."""
    actor = getattr(request, "actor", None)
    if not isinstance(actor, UserActor):
        raise PermissionDenied
    return actor
