"""What can be allowed about connections and their sync."""

from tenants.accounts.access import Permission, Role, register_permissions


def register() -> None:
    """Put the permissions of the integrations into the catalogue."""
    register_permissions(
        Permission(
            code="integrations.view",
            label="See workspaces and sync runs",
            held_from=Role.MEMBER,
            also_held_by=frozenset({Role.AUDITOR}),
        ),
        Permission(
            code="integrations.connect", label="Connect and disconnect workspaces", held_from=Role.ADMIN
        ),
        Permission(code="integrations.map", label="Decide how databases are read", held_from=Role.ADMIN),
        Permission(code="integrations.sync", label="Start and stop sync runs", held_from=Role.MANAGER),
    )
