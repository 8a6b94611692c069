"""Groups as a directory tells them, with their people; a change of a few does not read the many."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError
from django.db.models import F, Q
from django.utils import timezone
from scim2_models import InvalidValueException, MutabilityException, PatchOperation, Path, ScimFilter

from tenants.accounts.access.granting import changing_access
from tenants.accounts.models import Group, GroupMembership, ScimDirectory, ScimGroup
from tenants.accounts.scim import memberships
from tenants.accounts.scim.errors import Taken
from tenants.accounts.scim.filters import member_condition
from tenants.accounts.scim.people import check_match
from tenants.accounts.scim.provisioning_log import write
from tenants.accounts.scim.resources import checked
from tenants.accounts.scim.schemas import PROVIDER, Member
from tenants.accounts.scim.shapes import patch_of
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
MOST_MEMBERS: Final = 10_000
_LONGEST_NAME: Final = 200
Op = PatchOperation.Op
_of_members: Final[Any] = ScimFilter.__class_getitem__(Member)


@atomic
def create_group(directory: ScimDirectory, resource: Any) -> ScimGroup:
    """Make a group of the directory's. Raises: Taken (its externalId), InvalidInput, SCIMException."""
    external_id = checked(resource.external_id or "", "externalId")
    group = Group(
        name=_name(resource.display_name),
        source=Group.Source.SCIM,
        external_id=_outer_id(directory, external_id),
    )
    row = ScimGroup(directory=directory, group=group, external_id=external_id)
    _saved(group, row)
    joined = memberships.join(row, _ids(resource.members))
    write(directory, "scim.group.created", subject=group.name, detail=f"{joined} people")
    return row


@atomic
def replace_group(
    directory: ScimDirectory, group_id: UUID, resource: Any, *, if_match: str = ""
) -> ScimGroup:
    """Let a group be as the directory says, as a whole (PUT). Raises: NotFound and what `create_group` does."""
    row = locked_group(directory, group_id, if_match)
    changed = _rename(row, resource.display_name)
    changed |= _identify(row, checked(resource.external_id or "", "externalId"))
    joined, left = memberships.replace(row, _ids(resource.members))
    _touch(row, changed or bool(joined or left))
    _note(row, joined, left, changed=changed)
    return row


@atomic
def patch_group(
    directory: ScimDirectory, group_id: UUID, payload: dict[str, Any], *, if_match: str = ""
) -> ScimGroup:
    """Change parts of a group (PATCH): only the people it names are looked at.

    Raises: NotFound, SCIMException and what `create_group` does.
    """
    row = locked_group(directory, group_id, if_match)
    changed, joined, left = False, 0, 0
    for operation in patch_of(payload, "Group").operations:
        for name, path, value in _writes(operation):
            if name == "display_name":
                changed |= _rename(row, value)
            elif name == "external_id":
                changed |= _identify(row, checked(str(value or ""), "externalId"))
            elif name == "members":
                came, went = _members(row, operation.op, path, value)
                joined, left = joined + came, left + went
    _touch(row, changed or bool(joined or left))
    _note(row, joined, left, changed=changed)
    return row


@atomic
def delete_group(directory: ScimDirectory, group_id: UUID, *, if_match: str = "") -> None:
    """Delete a group; its people lose what came by it at once. Raises: NotFound."""
    row = locked_group(directory, group_id, if_match)
    with changing_access():
        people = set(GroupMembership.objects.filter(group=row.group).values_list("user_id", flat=True))
        had_roles = bool(memberships.roles_of(row.group_id))
        Group.objects.filter(pk=row.group_id).delete()
        if had_roles:
            memberships.lost_roles(people)
    write(directory, "scim.group.deleted", subject=row.group.name, detail=f"{len(people)} people")


def locked_group(directory: ScimDirectory, group_id: UUID, if_match: str = "") -> ScimGroup:
    """Return a group of the directory for changing. Raises: NotFound, PreconditionFailedException."""
    rows = ScimGroup.objects.select_for_update(of=("self",), no_key=True).filter(
        directory=directory, group=group_id
    )
    row = rows.select_related("group", "directory").first()
    if row is None:
        raise NotFound("There is no such group in this directory.", code="not_found.scim_group")
    check_match(if_match, row.version)
    return row


def shown_group(directory: ScimDirectory, group_id: UUID) -> ScimGroup:
    """Return a group. Raises: NotFound."""
    rows = ScimGroup.objects.filter(directory=directory, group=group_id).select_related("group")
    row = rows.first()
    if row is None:
        raise NotFound("There is no such group in this directory.", code="not_found.scim_group")
    return row


def _writes(operation: Any) -> Iterable[tuple[str, Path[Any] | None, Any]]:
    """The attributes an operation writes: of a value without a path, each of its keys."""
    if operation.path is not None:
        binding = operation.path.resolve()
        if binding is not None:
            yield binding.field_name, operation.path, operation.value
        return
    if not isinstance(operation.value, dict):
        raise InvalidValueException(detail="Without a path, the value has to be an object.")
    names = {"displayname": "display_name", "externalid": "external_id", "members": "members"}
    for key, value in operation.value.items():
        if (name := names.get(str(key).lower())) is not None:
            yield name, None, value


def _members(row: ScimGroup, op: Any, path: Path[Any] | None, value: Any) -> tuple[int, int]:
    """Let people join or leave; return how many did."""
    chosen = path.value_filter if path is not None else None
    binding = path.resolve() if path is not None else None
    if binding is not None and binding.sub_field_name is not None:
        raise MutabilityException(detail="What is said of a member cannot be changed: remove and add them.")
    if chosen is not None:
        if op is not Op.remove:
            raise MutabilityException(detail="A member cannot become another: remove and add them.")
        with PROVIDER:
            return 0, memberships.leave(row, member_condition(_of_members(str(chosen))))
    if op is Op.remove:
        return 0, memberships.leave(row, Q(user__in=_ids(value)) if value is not None else None)
    if op is Op.add:
        return memberships.join(row, _ids(value)), 0
    return memberships.replace(row, _ids(value))


def _ids(members: Any) -> set[UUID]:
    """The ids of the people a list of members names. Raises: InvalidValueException."""
    if members is None:
        return set()
    entries = members if isinstance(members, list) else [members]
    if len(entries) > MOST_MEMBERS:
        raise InvalidValueException(detail=f"{MOST_MEMBERS} members at once are the most.")
    found = set()
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, dict) else getattr(entry, "type", None)
        value = entry.get("value") if isinstance(entry, dict) else getattr(entry, "value", entry)
        if kind is not None and str(kind).lower() == "group":
            raise InvalidValueException(detail="Groups in groups are not kept: send the people themselves.")
        try:
            found.add(UUID(str(value)))
        except ValueError:
            detail = f"There is no such person in this directory: {str(value)[:80]}."
            raise InvalidValueException(detail=detail) from None
    return found


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidValueException(detail="A group needs a displayName.")
    return checked(value.strip(), "displayName", _LONGEST_NAME)


def _rename(row: ScimGroup, value: Any) -> bool:
    name = _name(value)
    if row.group.name == name:
        return False
    row.group.name = name
    row.group.save(update_fields=["name", "updated_at"])
    return True


def _identify(row: ScimGroup, external_id: str) -> bool:
    if row.external_id == external_id:
        return False
    row.external_id = external_id
    row.group.external_id = _outer_id(row.directory, external_id)
    _saved(row.group, row)
    return True


def _saved(group: Group, row: ScimGroup) -> None:
    try:
        with atomic():
            group.save()
            row.save()
    except IntegrityError as error:
        raise Taken("Another group of this directory has this externalId.") from error


def _outer_id(directory: ScimDirectory, external_id: str) -> str:
    # Two directories may count from 1.
    return f"{directory.pk}/{external_id}" if external_id else ""


def _touch(row: ScimGroup, has_changed: bool) -> None:
    if has_changed:
        row.version += 1
        now = timezone.now()
        ScimGroup.objects.filter(pk=row.pk).update(version=F("version") + 1, updated_at=now)
        row.updated_at = now


def _note(row: ScimGroup, joined: int, left: int, *, changed: bool) -> None:
    if joined or left:
        detail = f"{joined} joined, {left} left"
        write(row.directory, "scim.group.members", subject=row.group.name, detail=detail)
    elif changed:
        write(row.directory, "scim.group.changed", subject=row.group.name)
