"""What is ruled by a directory is not edited by hand: the next round of the directory would undo it."""

from typing import NoReturn
from uuid import UUID

from tenants.accounts.models import Group, ScimGroup, ScimPerson, User
from tenants.foundation.errors import Conflict


def check_group_is_ours(group: Group) -> None:
    """Refuse to edit a directory's group by hand. Raises: Conflict."""
    if group.source != Group.Source.SCIM:
        return
    row = ScimGroup.objects.filter(group=group).select_related("directory").first()
    if row is not None:
        _refuse("group", row.directory.name)


def check_may_own(group_id: UUID) -> None:
    """Refuse to make owners of whoever a directory puts into a group. Raises: Conflict."""
    if ScimGroup.objects.filter(group=group_id).exists():
        raise Conflict(
            "Nobody becomes an owner because of what a directory says.", code="conflict.owner_by_directory"
        )


def check_may_be_let_in(user: User) -> None:
    """Refuse to let somebody in by hand whom their directory shut out. Raises: Conflict.

    Shutting out by hand stays possible whoever rules: it may be urgent.
    """
    row = (
        ScimPerson.objects.filter(user=user, deleted_at=None, is_active=False)
        .select_related("directory")
        .first()
    )
    if row is not None:
        _refuse("person", row.directory.name)


def check_name_is_ours(user: User) -> None:
    """Refuse to name a directory's person by hand. Raises: Conflict."""
    row = ScimPerson.objects.filter(user=user, deleted_at=None).select_related("directory").first()
    if row is not None:
        _refuse("person", row.directory.name)


def _refuse(what: str, directory: str) -> NoReturn:
    raise Conflict(
        f"This {what} is kept by the directory “{directory}”: change it there.",
        code="conflict.ruled_by_directory",
    )
