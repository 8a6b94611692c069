"""The pages of the accounts in the sidebar and behind the person's name."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import can
from tenants.foundation.console import NavItem, PaletteAction, register_actions, register_nav


def register() -> None:
    """Put the pages into the frame of the console."""
    register_nav(
        NavItem(
            label=_("Users & roles"),
            url_name="accounts:users",
            icon="users",
            group="Administration",
            key="u",
            order=10,
            is_visible=_sees_users,
        ),
        NavItem(
            label=_("Access"),
            url_name="accounts:access",
            icon="key-round",
            group="Administration",
            order=12,
            is_visible=_sees_access,
        ),
        NavItem(
            label=_("Second person"),
            url_name="accounts:changes",
            icon="check-check",
            group="Administration",
            order=16,
            is_visible=_decides_changes,
        ),
        NavItem(
            label=_("Single sign-on"),
            url_name="accounts:identity_providers",
            icon="shield-check",
            group="Administration",
            order=15,
            is_visible=_manages_sso,
        ),
        NavItem(
            label=_("Directories"),
            url_name="accounts:scim_directories",
            icon="book-user",
            group="Administration",
            order=16,
            is_visible=_manages_scim,
        ),
        NavItem(
            label=_("Service accounts"),
            url_name="accounts:service_accounts",
            icon="key-round",
            group="Administration",
            order=13,
            is_visible=_manages_programs,
        ),
        NavItem(
            label=_("Rules for signing in"),
            url_name="accounts:sign_in_rules",
            icon="shield",
            group="Administration",
            order=14,
            is_visible=_sets_rules,
        ),
        NavItem(
            label=_("Sign-in & devices"),
            url_name="accounts:my_sign_in",
            icon="lock-keyhole",
            group="account",
            order=15,
        ),
        NavItem(
            label=_("API tokens"),
            url_name="accounts:api_tokens",
            icon="key-round",
            group="account",
            order=20,
            is_visible=_uses_tokens,
        ),
        NavItem(
            label=_("Preferences"),
            url_name="accounts:preferences",
            icon="settings-2",
            group="account",
            key="p",
            order=10,
        ),
    )
    register_nav(
        NavItem(
            label=_("Your profile"),
            url_name="accounts:preferences",
            icon="settings-2",
            group="account",
            order=10,
            audience="client",
        ),
        NavItem(
            label=_("Sign-in & devices"),
            url_name="accounts:my_sign_in",
            icon="shield-check",
            group="account",
            order=20,
            audience="client",
        ),
    )
    register_actions(
        PaletteAction(
            label=_("Invite someone"),
            url_name="accounts:users",
            icon="user-plus",
            order=50,
            is_visible=_invites,
        )
    )


def _sees_users(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.view_users")


def _sees_access(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.view_access")


def _decides_changes(request: HttpRequest) -> bool:
    actor = getattr(request, "actor", None)
    return any(
        can(actor, code)
        for code in (
            "accounts.view_access", "accounts.manage_sign_in", "accounts.manage_sso", "accounts.change_roles",
        )
    )  # fmt: skip


def _invites(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.invite_users")


def _uses_tokens(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.use_api_tokens")


def _manages_sso(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.manage_sso")


def _manages_scim(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.manage_scim")


def _sets_rules(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.manage_sign_in")


def _manages_programs(request: HttpRequest) -> bool:
    return can(getattr(request, "actor", None), "accounts.manage_service_accounts")
