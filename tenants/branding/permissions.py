"""What can be allowed about a company's brand."""

from typing import Final

from tenants.accounts.access import Permission, Role, Sensitivity, register_permissions

MANAGE_BRANDING: Final = "branding.manage"
MANAGE_SENDER: Final = "branding.manage_sender"


def register() -> None:
    """Put it into the catalogue."""
    register_permissions(
        Permission(
            code=MANAGE_BRANDING,
            label="Change the company's name, logos, colours and letters",
            held_from=Role.ADMIN,
        ),
        # Whoever holds it reads every letter, links that let people in among them.
        Permission(
            code=MANAGE_SENDER,
            label="Send the company's letters by a mail server of its own",
            held_from=Role.ADMIN,
            sensitivity=Sensitivity.SENSITIVE,
        ),
    )
