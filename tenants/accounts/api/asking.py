"""What the accounts' API views share: who asks, and bodies that were checked."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from tenants.accounts.access import UserActor, permission
from tenants.accounts.access.denying import Reason, note_denial, refusal
from tenants.accounts.services import EDIT_PROFILE
from tenants.foundation.api import StrictSerializer
from tenants.foundation.errors import InvalidInput

ID = OpenApiParameter("id", UUID, OpenApiParameter.PATH)
USER_ID = OpenApiParameter("user_id", UUID, OpenApiParameter.PATH)


def asking(request: Request) -> UserActor:
    """Who asks; the permission class let nobody else through."""
    actor: UserActor = request.actor  # type: ignore[attr-defined]
    return actor


def asking_for_oneself(request: Request) -> UserActor:
    """Who asks about themselves: everybody may, and a token that was made for its person's own settings.

    Raises: Forbidden (the token was not).
    """
    actor = asking(request)
    if not actor.may_use_token_for(EDIT_PROFILE):
        note_denial(actor, EDIT_PROFILE, Reason.TOKEN, None)
        raise refusal(permission(EDIT_PROFILE), Reason.TOKEN)
    return actor


def body_of(serializer: StrictSerializer) -> dict[str, Any]:
    """The checked values of a body. Raises: ValidationError."""
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def id_given(name: str, text: str) -> UUID:
    """An id somebody wrote into a parameter or field. Raises: InvalidInput."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(fields={name: ["There is no such thing."]}) from None
