"""The page of the brand in the sidebar."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import can
from tenants.branding.permissions import MANAGE_BRANDING
from tenants.foundation.console import NavItem, register_nav


def register() -> None:
    """Put the page into the frame of the console."""
    register_nav(
        NavItem(
            label=_("Branding"), url_name="branding:brand", icon="palette", group="Administration", order=70,
            is_visible=_manages,
        )
    )  # fmt: skip


def _manages(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), MANAGE_BRANDING)
