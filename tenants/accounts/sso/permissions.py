"""What can be allowed about single sign-on."""

from tenants.accounts.access.catalogue import Permission, Sensitivity, register_permissions
from tenants.accounts.access.roles import Role


def register() -> None:
    """Put the permission into the catalogue."""
    register_permissions(
        Permission(
            code="accounts.manage_sso",
            label="Set single sign-on up and read its log",
            held_from=Role.ADMIN,
            also_held_by=frozenset({Role.SECURITY}),
            sensitivity=Sensitivity.DUAL_CONTROL,
        )
    )
