"""The places of this package in the console's sidebar and palette."""

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import can_somewhere
from tenants.foundation.console import (
    NavItem,
    PaletteAction,
    register_actions,
    register_nav,
    register_search,
)


def _may(code: str) -> Callable[[HttpRequest], bool]:
    def is_visible(request: HttpRequest) -> bool:
        return can_somewhere(getattr(request, "actor", None), code)

    return is_visible


def register() -> None:
    """Put the pages where they belong."""
    sees, makes = _may("tasks.view"), _may("tasks.create")
    register_nav(
        NavItem(
            label=_("My tasks"), url_name="tasks:list", query="assignee=me", icon="circle-check-big", key="m",
            order=30, is_tab=True, is_visible=sees,
        ),
        NavItem(
            label=_("Tasks"), url_name="tasks:list", icon="square-kanban", group="Work", key="t", order=10,
            is_tab=True, is_visible=sees,
        ),
        NavItem(
            label=_("Projects"), url_name="tasks:projects", icon="folder", group="Work", order=20,
            is_visible=sees,
        ),
        NavItem(
            label=_("Approvals"), url_name="tasks:approvals", icon="badge-check", group="Work", order=30,
            is_visible=sees,
        ),
    )  # fmt: skip
    register_actions(
        PaletteAction(label=_("New task"), url_name="tasks:new", icon="plus", key="c", is_visible=makes)
    )
    register_search("tasks:search")
