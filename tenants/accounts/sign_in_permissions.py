"""What can be allowed about signing in: the company's rules, other people's sign-ins, programs of their own."""

from tenants.accounts.access.catalogue import Permission, Sensitivity, register_permissions
from tenants.accounts.access.roles import Role

_SECURITY = frozenset({Role.SECURITY})


def register() -> None:
    """Put the permissions into the catalogue."""
    register_permissions(
        Permission(
            code="accounts.manage_sign_in",
            label="Set the rules for signing in",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
            sensitivity=Sensitivity.DUAL_CONTROL,
        ),
        Permission(
            code="accounts.manage_sessions",
            label="See where people are signed in, and sign them out",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
        ),
        Permission(
            code="accounts.reset_second_factors",
            label="Take a lost second factor off somebody",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
            sensitivity=Sensitivity.SENSITIVE,
        ),
        Permission(
            code="accounts.manage_service_accounts",
            label="Make programs that work in their own name",
            held_from=Role.ADMIN,
            also_held_by=_SECURITY,
            sensitivity=Sensitivity.SENSITIVE,
        ),
    )
