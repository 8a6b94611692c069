"""The default permission of every API view: somebody known, and the permission the view declares."""

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.accounts.access import Actor, require_somewhere
from tenants.accounts.clients import is_client, is_open_to_clients
from tenants.foundation.errors import NotFound

if TYPE_CHECKING:
    # The framework reads its default classes, this one too, while that module is being imported.
    from rest_framework.views import APIView


ANYBODY = "*"


class RequiresActor(BasePermission):
    """Denies the unknown, and what a view does not declare.

    A view says `permission_codes = {"list": "tasks.view", "POST": "tasks.create"}`: the keys are actions of a
    viewset or HTTP methods, the code ANYBODY lets everyone in who is signed in. Services ask again, for the object.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say whether the request may go on to the view."""
        actor = getattr(request, "actor", None)
        if actor is None or not actor.user.is_active:
            return False
        if is_client(actor) and not is_open_to_clients(type(view)):
            raise NotFound  # a token of somebody who has become a client: as for their browser
        codes: dict[str, str] = getattr(view, "permission_codes", {})
        if request.method == "OPTIONS" or (request.method or "").lower() not in dir(view):
            return True  # answered 200 or 405 without a word about the company
        code = codes.get(getattr(view, "action", None) or "") or codes.get(request.method or "")
        return _may_enter(actor, code)

    def has_object_permission(self, request: Request, view: "APIView", obj: Any) -> bool:
        """Objects are the services' business."""
        return True


def _may_enter(actor: Actor, code: str | None) -> bool:
    """Whether a door opens. Raises: Forbidden, which says what is missing and who has it."""
    if code is None:
        return False
    if code != ANYBODY:
        require_somewhere(actor, code)
    return True
