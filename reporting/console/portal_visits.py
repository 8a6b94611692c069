"""Through whose eyes a portal page is drawn: the client's own, or a colleague's who looks at what a client sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from reporting.metrics.waiting_approvals import waiting_approvals
from reporting.templatetags.portal import address_in
from tenants.accounts.access import UserActor, actor_of, require
from tenants.accounts.clients import is_client
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.foundation.console import Count, ShownItem


@dataclass(frozen=True)
class Visit:
    """Who sees the page; `viewer` is set where somebody else looks at it for them, and then nothing can be changed."""

    actor: UserActor
    viewer: User | None = None

    @property
    def is_preview(self) -> bool:
        """Whether a colleague looks."""
        return self.viewer is not None

    def address(self, name: str, *arguments: Any) -> str:
        """The address of a portal page for this visit."""
        return address_in(self.viewer, name, *arguments)

    def context(self, request: HttpRequest, **values: Any) -> dict[str, Any]:
        """What every portal page is given; one query in a preview, whose links lead to previews."""
        frame: dict[str, Any] = {"portal_viewer": self.viewer, "portal_home": self.address("home")}
        if self.is_preview:
            frame["portal_nav"] = self._nav(request.path, waiting_approvals(actor=self.actor))
        return {**frame, **values}

    def _nav(self, path: str, waiting: int) -> list[ShownItem]:
        home, approvals = self.address("home"), self.address("approvals")
        count = Count(value=waiting, is_urgent=True, meaning=_("waiting for you")) if waiting else None
        return [
            ShownItem(
                label=_("Overview"),
                url=home,
                icon="layout-dashboard",
                is_current=path == home or "/projects/" in path or "/tasks/" in path,
            ),
            ShownItem(
                label=_("Approvals"),
                url=approvals,
                icon="badge-check",
                is_current=path.startswith(approvals),
                count=count,
            ),
        ]


def visit_of(request: HttpRequest, user_id: UUID | None = None) -> Visit:
    """The visit of a client, or the preview of one's portal by somebody who sees the whole company.

    Raises: Http404 (no client, or a colleague outside a preview), Forbidden.
    """
    actor = actor_of(request)
    if user_id is None:
        if not is_client(actor):
            raise Http404
        return Visit(actor)
    if is_client(actor):
        raise Http404
    require(actor, "tasks.view")
    require(actor, "accounts.view_users")
    user = User.objects.filter(pk=user_id, is_active=True, service_account=None, support_account=None).first()
    client = actor_for(user) if user is not None else None
    if user is None or client is None or not is_client(client):
        raise Http404
    # The page is framed as the client's own.
    request.is_client = True  # type: ignore[attr-defined]
    return Visit(client, viewer=user)
