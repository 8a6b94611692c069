"""What can be allowed about people, departments and keys."""

from tenants.accounts.access.catalogue import Permission, register_permissions
from tenants.accounts.access.roles import Role


def register() -> None:
    """Put the permissions of the accounts into the catalogue."""
    register_permissions(
        Permission(code="accounts.view_users", label="See who is in the company", held_from=Role.MEMBER),
        Permission(code="accounts.invite_users", label="Invite people", held_from=Role.ADMIN),
        Permission(code="accounts.change_roles", label="Change people's roles", held_from=Role.ADMIN),
        Permission(code="accounts.deactivate_users", label="Deactivate people", held_from=Role.ADMIN),
        Permission(code="accounts.manage_departments", label="Manage departments", held_from=Role.ADMIN),
        Permission(
            code="accounts.use_api_tokens", label="Make API tokens for oneself", held_from=Role.MEMBER
        ),
        Permission(
            code="accounts.manage_api_tokens", label="Revoke anyone's API tokens", held_from=Role.ADMIN
        ),
    )
