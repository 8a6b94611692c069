"""The default permission of every API view: somebody known, and the permission the view declares."""

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.accounts.access import can

if TYPE_CHECKING:
    # The framework reads its default classes, this one too, while that module is being imported.
    from rest_framework.views import APIView


class RequiresActor(BasePermission):
    """Denies the unknown. A view may add `permission_codes = {"list": "tasks.view", "POST": "tasks.create"}`.

    The keys are actions of a viewset or HTTP methods; what services ask for themselves need not be repeated.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Say whether the request may go on to the view."""
        actor = getattr(request, "actor", None)
        if actor is None or not actor.user.is_active:
            return False
        codes: dict[str, str] = getattr(view, "permission_codes", {})
        code = codes.get(getattr(view, "action", None) or "") or codes.get(request.method or "")
        return code is None or can(actor, code)

    def has_object_permission(self, request: Request, view: "APIView", obj: Any) -> bool:
        """Objects are the services' business."""
        return True
