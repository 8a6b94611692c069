"""What can be allowed about people, departments, roles and keys, and which duties may not meet in one person."""

from tenants.accounts.access.catalogue import (
    Permission,
    Sensitivity,
    Separation,
    register_permissions,
    register_separations,
)
from tenants.accounts.access.roles import Role

_SECURITY = frozenset({Role.SECURITY})
_LOOKING = frozenset({Role.SECURITY, Role.AUDITOR})


def register() -> None:
    """Put the permissions of the accounts into the catalogue."""
    register_permissions(
        Permission(
            code="accounts.view_users",
            label="See who is in the company",
            held_from=Role.MEMBER,
            also_held_by=_LOOKING,
        ),
        Permission(
            code="accounts.view_access",
            label="See who has which role, why, and what was refused",
            held_from=Role.ADMIN,
            also_held_by=_LOOKING,
        ),
        Permission(code="accounts.invite_users", label="Invite people", held_from=Role.ADMIN),
        Permission(
            code="accounts.invite_guests",
            label="Let clients in as guests, to share something with them",
            held_from=Role.MANAGER,
        ),
        Permission(
            code="accounts.change_roles",
            label="Change people's roles",
            held_from=Role.ADMIN,
            sensitivity=Sensitivity.DUAL_CONTROL,
        ),
        Permission(
            code="accounts.manage_roles",
            label="Make and change the company's own roles",
            held_from=Role.ADMIN,
            sensitivity=Sensitivity.SENSITIVE,
        ),
        Permission(code="accounts.manage_groups", label="Make groups and fill them", held_from=Role.ADMIN),
        Permission(
            code="accounts.deactivate_users",
            label="Deactivate people",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
            sensitivity=Sensitivity.SENSITIVE,
        ),
        Permission(code="accounts.manage_departments", label="Manage departments", held_from=Role.ADMIN),
        Permission(
            code="accounts.use_api_tokens",
            label="Make API tokens for oneself",
            held_from=Role.MEMBER,
            also_held_by=_SECURITY,
        ),
        Permission(
            code="accounts.manage_api_tokens",
            label="Revoke anyone's API tokens",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
        ),
        Permission(
            code="accounts.edit_profile",
            label="Change one's own name and preferences",
            held_from=Role.GUEST,
            also_held_by=_LOOKING,
        ),
    )
    register_separations(
        *(
            Separation(first=Role.AUDITOR, second=role, why="Whoever looks over the company does not run it.")
            for role in (Role.OWNER, Role.ADMIN, Role.SECURITY)
        ),
        Separation(
            first="accounts.manage_roles",
            second="accounts.change_roles",
            why="Whoever decides what a role of your own may do does not hand roles out as well.",
        ),
    )
