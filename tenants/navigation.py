"""The operators' pages in the sidebar."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import can
from tenants.foundation.console import NavItem, register_nav
from tenants.permissions import SEE_COMPANIES


def register() -> None:
    """Put the pages into the sidebar of the platform's host."""
    register_nav(
        NavItem(
            label=_("Companies"), url_name="platform:companies", icon="building-2", group="Platform", key="c",
            order=10, audience="platform", is_tab=True, is_visible=_sees_companies,
        )
    )  # fmt: skip


def _sees_companies(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), SEE_COMPANIES)
