"""The operators' pages, and the one of a company's data, in the sidebar."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import can
from tenants.foundation.console import NavItem, register_nav
from tenants.permissions import EXPORT_COMPANY, SEE_COMPANIES, VIEW_DOMAINS, VIEW_SUPPORT


def register() -> None:
    """Put the pages into the sidebars."""
    pages = (
        (_("Companies"), "platform:companies", "building-2", "c", _("Companies")),
        (_("Operations"), "platform:operations", "list-checks", "o", _("Operations")),
        (_("Given-up jobs"), "platform:work", "circle-alert", "j", _("Jobs")),
        (_("Platform"), "platform:overview", "server", "h", _("Platform")),
        (_("Entering"), "platform:access", "key-round", "e", _("Entering")),
    )
    register_nav(
        *(
            NavItem(
                label=label, url_name=url_name, icon=icon, group="Platform", key=key, order=10 * (place + 1),
                audience="platform", is_tab=True, tab_label=tab_label, is_visible=_sees_companies,
            )
            for place, (label, url_name, icon, key, tab_label) in enumerate(pages)
        ),
        NavItem(
            label=_("Domains"), url_name="domains:domains", icon="globe", group="Administration", order=70,
            is_visible=_sees_domains,
        ),
        NavItem(
            label=_("Support access"), url_name="support_access:overview", icon="life-buoy", group="Administration",
            order=80, is_visible=_sees_support,
        ),
        NavItem(
            label=_("Company data"), url_name="company:data", icon="archive", group="Administration", order=90,
            is_visible=_exports,
        ),
    )  # fmt: skip


def _sees_support(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), VIEW_SUPPORT)


def _sees_domains(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), VIEW_DOMAINS)


def _exports(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), EXPORT_COMPANY)


def _sees_companies(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), SEE_COMPANIES)
