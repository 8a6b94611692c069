"""The pages of the reporting in the sidebar."""

from django.utils.translation import gettext_lazy as _

from tenants.foundation.console import NavItem, register_nav


def register() -> None:
    """Put the home page first."""
    register_nav(
        NavItem(label=_("Home"), url_name="home", icon="layout-dashboard", key="h", order=10, is_tab=True)
    )
