"""What can be allowed about tasks and projects."""

from tenants.accounts.access.catalogue import Permission, register_permissions
from tenants.accounts.access.roles import Role


def register() -> None:
    """Put the permissions of the tasks into the catalogue."""
    register_permissions(
        Permission(
            code="tasks.view",
            label="See the company's tasks and projects",
            held_from=Role.MEMBER,
            also_held_by=frozenset({Role.AUDITOR}),
            is_scoped=True,
        ),
        Permission(code="tasks.create", label="Make tasks", held_from=Role.MEMBER, is_scoped=True),
        Permission(code="tasks.edit", label="Change tasks", held_from=Role.MEMBER, is_scoped=True),
        Permission(code="tasks.complete", label="Complete tasks", held_from=Role.MEMBER, is_scoped=True),
        Permission(code="tasks.comment", label="Comment on tasks", held_from=Role.MEMBER, is_scoped=True),
        Permission(
            code="tasks.request_approval",
            label="Ask for approvals",
            held_from=Role.MEMBER,
            is_scoped=True,
        ),
        Permission(
            code="tasks.approve",
            label="Answer approvals one is asked for",
            held_from=Role.MEMBER,
            is_scoped=True,
        ),
        Permission(
            code="tasks.archive", label="Archive and restore tasks", held_from=Role.MANAGER, is_scoped=True
        ),
        Permission(
            code="tasks.manage_projects",
            label="Make and change projects",
            held_from=Role.MANAGER,
            is_scoped=True,
        ),
        Permission(
            code="tasks.share",
            label="Share single tasks and projects with people and groups",
            held_from=Role.MANAGER,
            is_scoped=True,
        ),
        Permission(code="tasks.import", label="Write whole batches of tasks", held_from=Role.ADMIN),
    )
