"""What can be allowed about directories."""

from typing import Final

from tenants.accounts.access.catalogue import Permission, Sensitivity, register_permissions
from tenants.accounts.access.roles import Role

MANAGE: Final = "accounts.manage_scim"


def register() -> None:
    """Put the permission into the catalogue."""
    register_permissions(
        Permission(
            code=MANAGE,
            label="Set directories (SCIM) up and decide what they were held from doing",
            held_from=Role.ADMIN,
            also_held_by=frozenset({Role.SECURITY}),
            sensitivity=Sensitivity.SENSITIVE,
        )
    )
