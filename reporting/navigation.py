"""The pages of the reporting in the sidebar, and what stands in the head of the client portal."""

from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from reporting.metrics.waiting_approvals import waiting_approvals
from tenants.accounts.access import UserActor, can
from tenants.foundation.console import Count, NavItem, register_nav


def register() -> None:
    """Put the home page first, the preview of the portal below the tasks, and the portal's own pages into its head."""
    register_nav(
        NavItem(label=_("Home"), url_name="home", icon="layout-dashboard", key="h", order=10, is_tab=True),
        NavItem(
            label=_("Client portal"),
            url_name="portal:home",
            icon="eye",
            group="Work",
            order=40,
            is_visible=_previews,
        ),
        NavItem(
            label=_("Overview"),
            url_name="portal:home",
            icon="layout-dashboard",
            audience="client",
            order=10,
            is_tab=True,
        ),
        NavItem(
            label=_("Approvals"),
            url_name="portal:approvals",
            icon="badge-check",
            audience="client",
            order=20,
            is_tab=True,
            count=_waiting,
        ),
    )


def _previews(request: HttpRequest) -> bool:
    actor = getattr(request, "actor", None)
    return can(actor, "tasks.view") and can(actor, "accounts.view_users")


def _waiting(request: HttpRequest) -> Count | None:
    actor = getattr(request, "actor", None)
    number = waiting_approvals(actor=actor) if isinstance(actor, UserActor) else 0
    return Count(value=number, is_urgent=True, meaning=_now("waiting for you")) if number else None
