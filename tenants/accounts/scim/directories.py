"""Directories as administrators set them up: made, changed, switched off and removed."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError
from django.db.models import Count, Max, Q, QuerySet

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.access.granting import check_may_give_role
from tenants.accounts.models import (
    EmailDomain,
    IdentityProvider,
    ScimDeprovisioning,
    ScimDirectory,
    ScimGroup,
    ScimPerson,
)
from tenants.accounts.scim.permissions import MANAGE
from tenants.accounts.scim.provisioning_log import write
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MOST: Final = 10
# Nobody becomes an owner because of what another system says.
ROLES: Final = tuple(role for role in Role if role is not Role.OWNER)
_BOUNDS: Final = {
    "brake_percent": (0, 100, "per cent"),
    "brake_least": (0, 1000, "people"),
    "brake_hours": (1, 168, "hours"),
    "requests_per_minute": (60, 30_000, "requests"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryChange:
    """What can be changed of a directory; None stays as it is."""

    name: str | None = None
    is_enabled: bool | None = None
    provider_id: UUID | None = None
    has_provider: bool | None = None
    default_role: str | None = None
    username_domain: str | None = None
    brake_percent: int | None = None
    brake_least: int | None = None
    brake_hours: int | None = None
    requests_per_minute: int | None = None


def visible_directories(*, actor: Actor) -> QuerySet[ScimDirectory]:
    """The company's directories with how many people, groups and held ones each has, and until when its key is good.

    By name. Raises: Forbidden.
    """
    require(actor, MANAGE)
    live = Q(people__deleted_at=None) & Q(people__isnull=False)
    rows = ScimDirectory.objects.select_related("provider").annotate(
        people_count=Count("people", filter=live, distinct=True),
        active_count=Count("people", filter=live & Q(people__is_active=True), distinct=True),
        group_count=Count("groups", distinct=True),
        key_expires_at=Max("tokens__expires_at", filter=Q(tokens__revoked_at=None)),
        held_count=Count(
            "deprovisionings",
            filter=Q(deprovisionings__state=ScimDeprovisioning.State.HELD),
            distinct=True,
        ),
    )
    return rows.order_by("name", "id")


@atomic
def create_directory(*, actor: Actor, name: str, default_role: str = Role.MEMBER.value) -> ScimDirectory:
    """Begin a directory; it can do nothing before it has a key.

    Raises: Forbidden (also for a role above one's own), InvalidInput, Conflict (name taken, too many).
    """
    require(actor, MANAGE)
    if ScimDirectory.objects.count() >= MOST:
        raise Conflict(f"{MOST} directories are the most.", code="conflict.scim_directories")
    row = ScimDirectory(name=_checked_name(name), default_role=_checked_role(actor, default_role))
    row.created_by_id = actor.user_id
    _save(row)
    write(row, "scim.directory.created", detail=f"By {actor.name}.")
    log.info("scim_directory.created", directory_id=row.pk, by=actor.user_id)
    return row


@atomic
def change_directory(*, directory: ScimDirectory, actor: Actor, change: DirectoryChange) -> ScimDirectory:
    """Change a directory's rules; they hold from its next request on. Raises: as `create_directory`, NotFound."""
    require(actor, MANAGE)
    row = ScimDirectory.objects.select_for_update(no_key=True).get(pk=directory.pk)
    if change.name is not None:
        row.name = _checked_name(change.name)
    if change.is_enabled is not None:
        row.is_enabled = change.is_enabled
    if change.default_role is not None and change.default_role != row.default_role:
        row.default_role = _checked_role(actor, change.default_role)
    if change.username_domain is not None:
        row.username_domain = _checked_domain(change.username_domain)
    if change.provider_id is not None:
        if not IdentityProvider.objects.filter(pk=change.provider_id).exists():
            raise NotFound("There is no such provider.", code="not_found.identity_provider")
        row.provider_id = change.provider_id
    elif change.has_provider is False:
        row.provider = None
    for name, (low, high, unit) in _BOUNDS.items():
        value: int | None = getattr(change, name)
        if value is None:
            continue
        if not low <= value <= high:
            msg = f"Choose {low} to {high} {unit}."
            raise InvalidInput(msg, fields={name: [msg]})
        setattr(row, name, value)
    _save(row)
    write(row, "scim.directory.changed", detail=f"By {actor.name}: {_told(change)}")
    log.info("scim_directory.changed", directory_id=row.pk, by=actor.user_id)
    return row


@atomic
def remove_directory(*, directory: ScimDirectory, actor: Actor) -> None:
    """Forget a directory: its people and groups stay as they are, and are edited by hand again. Raises: Forbidden."""
    require(actor, MANAGE)
    write(directory, "scim.directory.removed", detail=f"By {actor.name}.")
    _lock_all(directory)
    ScimDirectory.objects.filter(pk=directory.pk).delete()
    log.info("scim_directory.removed", directory_id=directory.pk, by=actor.user_id)


def _lock_all(directory: ScimDirectory) -> None:
    """Wait for whoever works on what goes with a directory, in the order they lock it (see `brake`).

    The directory itself comes last: what is added to it from then on waits, and finds none.
    """
    for rows in (
        ScimDeprovisioning.objects.filter(directory=directory),
        ScimPerson.objects.filter(directory=directory),
        ScimGroup.objects.filter(directory=directory),
        ScimDirectory.objects.filter(pk=directory.pk),
    ):
        list(rows.select_for_update().order_by("pk").values_list("pk"))


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80:
        msg = "Enter a name of up to 80 characters."
        raise InvalidInput(msg, fields={"name": [msg]})
    return name


def _checked_role(actor: Actor, role: str) -> str:
    if not role:
        return ""
    if role not in ROLES:
        msg = "A directory gives any role but that of an owner."
        raise InvalidInput(msg, fields={"default_role": [msg]})
    # Whoever may not give roles to people does not give them by a directory either.
    require(actor, "accounts.change_roles")
    check_may_give_role(actor, Role(role))
    return role


def _checked_domain(domain: str) -> str:
    domain = domain.strip().lower()
    if domain and not EmailDomain.objects.filter(domain=domain, state=EmailDomain.State.VERIFIED).exists():
        msg = "Choose a domain the company has verified."
        raise InvalidInput(msg, fields={"username_domain": [msg]})
    return domain


def _save(row: ScimDirectory) -> None:
    try:
        with atomic():
            row.save()
    except IntegrityError as error:
        msg = "There is a directory with this name already."
        raise Conflict(msg, code="conflict.scim_directory_name", fields={"name": [msg]}) from error


def _told(change: DirectoryChange) -> str:
    said: dict[str, Any] = {
        name: getattr(change, name)
        for name in DirectoryChange.__dataclass_fields__
        if getattr(change, name) is not None
    }
    return ", ".join(f"{name} {value}" for name, value in said.items()) or "nothing"
