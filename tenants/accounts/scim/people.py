"""People as a directory tells them: made, replaced, changed, shut out and let in again."""

from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError
from django.utils import timezone
from scim2_models import PreconditionFailedException

from tenants.accounts.access import SystemActor
from tenants.accounts.models import GroupMembership, ScimDirectory, ScimEmail, ScimPerson, User
from tenants.accounts.scim import accounts, brake
from tenants.accounts.scim.errors import Held, Taken
from tenants.accounts.scim.memberships import lost_roles
from tenants.accounts.scim.provisioning_log import write
from tenants.accounts.scim.resources import (
    UNSAID,
    attributes_of,
    checked,
    emails_of,
    etag,
    key_of,
    person_resource,
    shown_name,
    with_all,
)
from tenants.accounts.scim.schemas import PROVIDER
from tenants.accounts.scim.shapes import patch_of
from tenants.accounts.services import deactivate_user, reactivate_user
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
_LONGEST_USER_NAME: Final = 254
# What makes a version: a change of one of these, or of the addresses.
_COLUMNS: Final = ("directory_id", "user_name", "external_id", "is_active", "attributes", "deleted_at")


class HeldBack(Held):
    """The brake stopped the directory about one person; whoever catches it keeps that in a transaction of its own."""

    def __init__(self, held: Held, user_id: UUID, *, is_deletion: bool) -> None:
        super().__init__(held.message)
        self.user_id, self.is_deletion = user_id, is_deletion


@atomic
def create_person(directory: ScimDirectory, resource: Any) -> ScimPerson:
    """Take a person in: their account is found by a proved address or made.

    Raises: Taken, InvalidInput, Conflict, HeldBack (an account that is to be shut out at once).
    """
    user_name, emails = _user_name(resource), emails_of(resource)
    external_id = checked(resource.external_id or "", "externalId")
    _check_free(directory, user_name, external_id)
    address = accounts.address_of(directory, user_name, emails)
    name, is_active = shown_name(resource, user_name), resource.active is not False
    user, is_new = accounts.account_for(
        directory, address=address, external_id=external_id, name=name, is_active=is_active
    )
    was_active = user.is_active
    if was_active and not is_active:
        _shut_out(directory, user, is_deletion=False)
    elif is_active and not was_active:
        reactivate_user(user=user, actor=_actor(directory))
    accounts.rename(directory, user, address=address, name=name)
    known = None if is_new else ScimPerson.objects.filter(user=user).first()
    row = known or ScimPerson(user=user, version=0)
    before = _state_of(row)
    row.directory, row.deleted_at, row.is_active = directory, None, is_active
    _keep(row, resource, user_name, external_id, emails, before)
    accounts.move_to_department(user, row.attributes.get("enterprise.department", ""))
    event = "scim.user.created" if is_new else "scim.user.taken_over"
    write(directory, event, user=user, subject=user_name)
    return row


@atomic
def replace_person(
    directory: ScimDirectory, user_id: UUID, resource: Any, *, if_match: str = ""
) -> ScimPerson:
    """Let a person be as the directory says, as a whole (PUT). Raises: NotFound and what `create_person` does."""
    row = locked_person(directory, user_id, if_match)
    before = person_resource(row, "")
    # Okta leaves `active` out of a PUT at times: nobody is let in or shut out by what was not said.
    if resource.active is None:
        resource.active = before.active
    resource.replace(before)
    return _changed(directory, row, resource)


@atomic
def patch_person(
    directory: ScimDirectory, user_id: UUID, payload: dict[str, Any], *, if_match: str = ""
) -> ScimPerson:
    """Change parts of a person (PATCH). Raises: NotFound, SCIMException and what `create_person` does."""
    row = locked_person(directory, user_id, if_match)
    resource = person_resource(row, "")
    with PROVIDER:
        patch_of(payload, "User").patch(resource)
    return _changed(directory, row, resource)


@atomic
def delete_person(directory: ScimDirectory, user_id: UUID, *, if_match: str = "") -> None:
    """Take a person out of the directory: shut out and not found there any more; the account stays for history.

    Raises: NotFound, HeldBack, Conflict (the last owner, an emergency owner).
    """
    row = locked_person(directory, user_id, if_match)
    if row.is_active and row.user.is_active:
        _shut_out(directory, row.user, is_deletion=True)
    row.is_active, row.deleted_at, row.version = False, timezone.now(), row.version + 1
    row.save(update_fields=["is_active", "deleted_at", "version", "updated_at"])
    left = GroupMembership.objects.filter(user=row.user, group__scim__directory=directory)
    if left.delete()[0]:
        lost_roles([row.user_id])
    write(directory, "scim.user.deleted", user=row.user, subject=row.user_name)


def locked_person(directory: ScimDirectory, user_id: UUID, if_match: str = "") -> ScimPerson:
    """Return a person of the directory for changing. Raises: NotFound, PreconditionFailedException."""
    rows = ScimPerson.objects.select_for_update(of=("self",), no_key=True).filter(
        directory=directory, user=user_id, deleted_at=None
    )
    row = rows.select_related("user__department").prefetch_related("emails").first()
    if row is None:
        raise NotFound("There is no such person in this directory.", code="not_found.scim_user")
    check_match(if_match, row.version)
    row.directory = directory
    return row


def shown_person(directory: ScimDirectory, user_id: UUID) -> ScimPerson:
    """Return a person with all their resource shows. Raises: NotFound."""
    rows = with_all(ScimPerson.objects.filter(directory=directory, user=user_id, deleted_at=None))
    row = rows.first()
    if row is None:
        raise NotFound("There is no such person in this directory.", code="not_found.scim_user")
    return row


def check_match(if_match: str, version: int) -> None:
    """Let a change pass that was made of the present version. Raises: PreconditionFailedException."""
    wanted = {each.strip() for each in if_match.split(",") if each.strip()}
    if wanted and "*" not in wanted and etag(version) not in wanted:
        raise PreconditionFailedException


def _changed(directory: ScimDirectory, row: ScimPerson, resource: Any) -> ScimPerson:
    user_name, emails = _user_name(resource), emails_of(resource)
    external_id = checked(resource.external_id or "", "externalId")
    is_active, user = row.is_active if resource.active is None else resource.active, row.user
    before = _state_of(row)
    address = accounts.address_of(directory, user_name, emails)
    if address != user.email:
        accounts.wait_for_address(address)
    if row.is_active and not is_active and user.is_active:
        _shut_out(directory, user, is_deletion=False)
        write(directory, "scim.user.deactivated", user=user, subject=user_name)
    elif is_active and not row.is_active:
        if not user.is_active:
            reactivate_user(user=user, actor=_actor(directory))
        write(directory, "scim.user.reactivated", user=user, subject=user_name)
    if (row.user_name_key, row.external_id) != (key_of(user_name), external_id):
        _check_free(directory, user_name, external_id, but=row)
    accounts.rename(directory, user, address=address, name=shown_name(resource, user_name))
    row.is_active = is_active
    if _keep(row, resource, user_name, external_id, emails, before):
        accounts.move_to_department(user, row.attributes.get("enterprise.department", ""))
        write(directory, "scim.user.changed", user=user, subject=user_name)
    return row


def _state_of(row: ScimPerson) -> dict[str, Any]:
    return {} if row._state.adding else {name: getattr(row, name) for name in _COLUMNS}


def _keep(
    row: ScimPerson,
    resource: Any,
    user_name: str,
    external_id: str,
    emails: list[ScimEmail],
    before: dict[str, Any],
) -> bool:
    """Write the record where it differs from what was kept `before`; say whether more than `active` did.

    Raises: Taken.
    """
    row.user_name, row.user_name_key, row.external_id = user_name, key_of(user_name), external_id
    row.attributes = attributes_of(resource)
    if resource.active is None and before:
        row.attributes[UNSAID] = "yes"
    is_new = row._state.adding
    had = [] if is_new else [_email_state(each) for each in row.emails.all()]
    emails_differ = had != [_email_state(each) for each in emails]
    differs = {name for name in _COLUMNS if before.get(name) != getattr(row, name)}
    if not differs and not emails_differ:
        return False
    row.version += 1
    try:
        with atomic():
            row.save()
    except IntegrityError as error:
        raise Taken("Another person has this userName or externalId.") from error
    if emails_differ:
        if not is_new:
            ScimEmail.objects.filter(person=row).delete()
        for each in emails:
            each.person = row
        ScimEmail.objects.bulk_create(emails)
    return emails_differ or differs != {"is_active"}


def _email_state(row: ScimEmail) -> tuple[str, str, str, bool | None]:
    return row.value, row.type, row.display, row.is_primary


def _check_free(
    directory: ScimDirectory, user_name: str, external_id: str, but: ScimPerson | None = None
) -> None:
    others = ScimPerson.objects.filter(deleted_at=None)
    if but is not None:
        others = others.exclude(pk=but.pk)
    if others.filter(user_name_key=key_of(user_name)).exists():
        raise Taken("Another person of the company has this userName.")
    if external_id and others.filter(directory=directory, external_id=external_id).exists():
        raise Taken("Another person of this directory has this externalId.")


def _user_name(resource: Any) -> str:
    text = checked((resource.user_name or "").strip(), "userName", _LONGEST_USER_NAME, joiners=False)
    if not text:
        raise InvalidInput("A person needs a userName.", code="invalid_input.scim_user_name")
    return text


def _shut_out(directory: ScimDirectory, user: User, *, is_deletion: bool) -> None:
    try:
        brake.let_through(directory, user, is_deletion=is_deletion)
    except Held as held:
        raise HeldBack(held, user.pk, is_deletion=is_deletion) from held
    deactivate_user(user=user, actor=_actor(directory))


def _actor(directory: ScimDirectory) -> SystemActor:
    return SystemActor(name=f"Directory {directory.name}")
