"""What can be allowed about a company's brand."""

from typing import Final

from tenants.accounts.access import Permission, Role, register_permissions

MANAGE_BRANDING: Final = "branding.manage"


def register() -> None:
    """Put it into the catalogue."""
    register_permissions(
        Permission(
            code=MANAGE_BRANDING,
            label="Change the company's name, logos, colours and letters",
            held_from=Role.ADMIN,
        )
    )
