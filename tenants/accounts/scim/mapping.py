"""Which group of a directory gives which role, and what a change of that would mean for whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Count, QuerySet

from tenants.accounts.access import Actor, Role, RoleSource, require
from tenants.accounts.access.bindings import Holder, grant_role, revoke_role
from tenants.accounts.models import CustomRole, GroupMembership, RoleBinding, ScimDirectory, ScimGroup, User
from tenants.accounts.models.role_binding import RoleBindingQuerySet
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.scim.provisioning_log import write
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.foundation.seen_text import drawn
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class MappedGroup:
    """A group of the directory; `role` is a built-in role's word, the id of the company's own, or empty.

    `resembles` is the label of the role its name looks like, in whatever alphabet; the name itself gives nothing.
    """

    id: UUID
    name: str
    size: int
    role: str
    resembles: str = ""


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What a change of the mapping would mean for one person."""

    user: User
    gets: tuple[str, ...]
    loses: tuple[str, ...]


def mapping_of(directory: ScimDirectory, *, actor: Actor) -> list[MappedGroup]:
    """The directory's groups with the role each gives, by name. Raises: Forbidden."""
    require(actor, MANAGE)
    rows: QuerySet[ScimGroup] = ScimGroup.objects.filter(directory=directory).select_related("group")
    sized = rows.annotate(size=Count("group__memberships")).order_by("group__name", "group_id")
    roles = {binding.group_id: key_of_role(binding) for binding in _mapped(directory)}
    looks = _looks_of_roles()
    return [
        MappedGroup(
            row.group_id, row.group.name, row.size, roles.get(row.group_id, ""),
            looks.get(_look(row.group.name), ""),
        )
        for row in sized
    ]  # fmt: skip


def would_change(
    directory: ScimDirectory, wanted: Mapping[UUID, str], *, actor: Actor
) -> tuple[list[RoleChange], int]:
    """Dry run: who would get and lose which roles of the whole company; the first of them, and how many there are.

    Raises: Forbidden, NotFound (a group or role), InvalidInput (owner).
    """
    require(actor, MANAGE)
    now, then = _now_and_then(directory, wanted)
    changed = {group for group in now | then if now.get(group) != then.get(group)}
    people = set(GroupMembership.objects.filter(group__in=changed).values_list("user_id", flat=True))
    other, by_group = _held_otherwise(people, mapped=set(now) | set(then))
    changes = []
    for user in User.objects.filter(pk__in=people).order_by("name", "pk"):
        fixed = other.get(user.pk, set()) | other.get(user.department_id, set())
        before = fixed | {now[group] for group in by_group.get(user.pk, ()) if group in now}
        after = fixed | {then[group] for group in by_group.get(user.pk, ()) if group in then}
        if before != after:
            changes.append(RoleChange(user, tuple(sorted(after - before)), tuple(sorted(before - after))))
    labels = _labels({role for each in changes for role in (*each.gets, *each.loses)})
    shown = [
        RoleChange(
            each.user,
            tuple(labels.get(role, role) for role in each.gets),
            tuple(labels.get(role, role) for role in each.loses),
        )
        for each in changes[:MOST_SHOWN]
    ]
    return shown, len(changes)


@atomic
def set_mapping(directory: ScimDirectory, wanted: Mapping[UUID, str], *, actor: Actor) -> int:
    """Let groups give exactly these roles from now on; those not named stay. Return how many groups changed.

    Raises: Forbidden (also for a role above one's own, to give or to take), NotFound, InvalidInput (owner),
    Conflict (duties that may not meet).
    """
    require(actor, MANAGE)
    now, then = _now_and_then(directory, wanted)
    bindings = {binding.group_id: binding for binding in _mapped(directory)}
    changed = [group for group in wanted if now.get(group) != then.get(group)]
    for group in changed:
        if group in bindings:
            revoke_role(binding=bindings[group], actor=actor)
        if group in then:
            grant_role(
                holder=Holder("group", group),
                role=role_of_key(then[group]),
                actor=actor,
                source=RoleSource.SCIM,
            )
    if changed:
        names = ScimGroup.objects.filter(group__in=changed).values_list("group__name", flat=True)
        write(directory, "scim.mapping.changed", detail=f"By {actor.name}: {', '.join(sorted(names))}")
    log.info("scim.mapping_changed", directory_id=directory.pk, groups=len(changed), by=actor.user_id)
    return len(changed)


def key_of_role(binding: RoleBinding) -> str:
    """A role's name for programs: a built-in one's word, or the id of the company's own."""
    return binding.role or str(binding.custom_role_id)


def role_of_key(key: str) -> Role | CustomRole:
    """Return a role that a group may give. Raises: NotFound, InvalidInput (owner)."""
    if key == Role.OWNER.value:
        msg = "Nobody becomes an owner because of what a directory says."
        raise InvalidInput(msg, code="invalid_input.owner_by_mapping", fields={"roles": [msg]})
    if key in Role:
        return Role(key)
    try:
        role = CustomRole.objects.filter(pk=UUID(key)).first()
    except ValueError:
        role = None
    if role is None:
        raise NotFound("There is no such role.", code="not_found.role")
    return role


def _looks_of_roles() -> dict[str, str]:
    """How the names of roles look → the role's label: the built-in ones, in the reader's language, and one's own."""
    found = {_look(text): str(role.label) for role in Role for text in (str(role.label), role.value)}
    return {_look(name): name for name in CustomRole.objects.values_list("name", flat=True)} | found


def _look(name: str) -> str:
    # "Admins" and "Admin" are read as one.
    return drawn(name).removesuffix("s")


def _mapped(directory: ScimDirectory) -> RoleBindingQuerySet:
    rows = RoleBinding.objects.company_wide().filter(group__scim__directory=directory)
    return rows.filter(source=RoleSource.SCIM.value)


def _now_and_then(
    directory: ScimDirectory, wanted: Mapping[UUID, str]
) -> tuple[dict[UUID, str], dict[UUID, str]]:
    known = set(ScimGroup.objects.filter(directory=directory).values_list("group_id", flat=True))
    if missing := set(wanted) - known:
        raise NotFound(f"There is no such group in this directory: {min(missing)}.", code="not_found.group")
    for key in {key for key in wanted.values() if key}:
        role_of_key(key)
    now = {binding.group_id: key_of_role(binding) for binding in _mapped(directory) if binding.group_id}
    then = {group: key for group, key in (now | dict(wanted)).items() if key}
    return now, then


def _held_otherwise(
    people: Collection[UUID], *, mapped: Collection[UUID]
) -> tuple[dict[UUID | None, set[str]], dict[UUID, list[UUID]]]:
    """Roles by other ways than the mapping, by person or department; and who is in which mapped group."""
    found: dict[UUID | None, set[str]] = {}
    rows = RoleBinding.objects.company_wide().in_force()
    for binding in rows.filter(user__in=people) | rows.filter(department__people__in=people):
        holder = binding.user_id or binding.department_id
        found.setdefault(holder, set()).add(key_of_role(binding))
    by_group: dict[UUID, list[UUID]] = {}
    memberships = GroupMembership.objects.filter(user__in=people)
    others: dict[UUID | None, set[str]] = {}
    for binding in rows.filter(group__memberships__user__in=people).distinct():
        if binding.source != RoleSource.SCIM or binding.group_id not in mapped:
            others.setdefault(binding.group_id, set()).add(key_of_role(binding))
    for user_id, group_id in memberships.values_list("user_id", "group_id"):
        by_group.setdefault(user_id, []).append(group_id)
        found.setdefault(user_id, set()).update(others.get(group_id, ()))
    return found, by_group


def _labels(keys: Collection[str]) -> dict[str, str]:
    labels = {role.value: str(role.label) for role in Role}
    own = [key for key in keys if key not in labels]
    return labels | {
        str(pk): name for pk, name in CustomRole.objects.filter(pk__in=own).values_list("pk", "name")
    }
