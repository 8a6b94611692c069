"""Whose account a directory's person is: one that is there, or a new one; never by an address nobody has proved."""

from typing import Final

import structlog
from django.db import IntegrityError

from tenants.accounts.access import SYSTEM, Role, RoleSource
from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.models import (
    BreakGlassOwner,
    Department,
    EmailDomain,
    ExternalIdentity,
    RoleBinding,
    ScimDirectory,
    ScimEmail,
    ScimPerson,
    ServiceAccount,
    User,
)
from tenants.accounts.scim.errors import Taken
from tenants.accounts.scim.key_makers import is_above_key
from tenants.accounts.scim.memberships import lost_roles
from tenants.accounts.services import normal_email
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)
_LONGEST_NAME: Final = 120


def address_of(directory: ScimDirectory, user_name: str, emails: list[ScimEmail]) -> str:
    """Return the address of the account: the first of a verified domain, the primary one before the others.

    A user name that is no address gets the directory's own domain. Raises: InvalidInput (none is of a verified domain).
    """
    ordered = sorted(emails, key=lambda each: (not each.is_primary, each.type != "work", each.position))
    given = [*(each.value for each in ordered), user_name]
    if directory.username_domain and "@" not in user_name:
        given.append(f"{user_name}@{directory.username_domain}")
    candidates = [found for found in map(_address, given) if found]
    domains = {found.rpartition("@")[2] for found in candidates}
    proved = set(
        EmailDomain.objects.filter(
            domain__in=domains, state=EmailDomain.State.VERIFIED
        ).values_list("domain", flat=True)
    )  # fmt: skip
    for found in candidates:
        if found.rpartition("@")[2] in proved:
            return found
    if not candidates:
        msg = "The person has no e-mail address, and the user name is none."
    else:
        msg = f"{candidates[0]} is of no domain the company has verified."
    raise InvalidInput(msg, code="invalid_input.scim_email")


def wait_for_address(address: str) -> None:
    """Take the same turn as somebody who signs in with this address for the first time at this moment.

    It comes before the turn of changes of access: signing in takes them in this order.
    """
    wait_for_turn(f"sso-account-{address}")


def account_for(
    directory: ScimDirectory, *, address: str, external_id: str, name: str, is_active: bool
) -> tuple[User, bool]:
    """Return whose account it is, and whether it was made just now.

    First whom the directory's sign-in service knows by the same id, then who has the address, then whom this directory
    brought before. Raises: Taken (in a directory already), Conflict (an emergency owner, a program).
    """
    wait_for_address(address)
    user = _by_identity(directory, external_id) or User.objects.filter(email=address).first()
    if user is None and external_id:
        gone = ScimPerson.objects.filter(directory=directory, external_id=external_id).exclude(
            deleted_at=None
        )
        known = gone.select_related("user").order_by("-deleted_at").first()
        user = known.user if known else None
    if user is None:
        return _new(directory, address, name, is_active), True
    if ScimPerson.objects.filter(user=user, deleted_at=None).exists():
        raise Taken(f"{address} is a person of a directory already.")
    if BreakGlassOwner.objects.filter(user=user).exists():
        raise Conflict(
            f"{address} is an emergency owner of the company: no directory takes that account over.",
            code="conflict.break_glass",
        )
    if ServiceAccount.objects.filter(user=user).exists():
        raise Conflict(f"{address} is a program's account.", code="conflict.service_account")
    return user, False


def rename(directory: ScimDirectory, user: User, *, address: str, name: str) -> None:
    """Give the account the directory's address and name. Raises: Taken (somebody else has it), Conflict."""
    changed = []
    if user.name != name:
        user.name = name
        changed.append("name")
    if user.email != address:
        if BreakGlassOwner.objects.filter(user=user).exists():
            raise Conflict(
                "This person is an emergency owner of the company: no directory changes their address.",
                code="conflict.break_glass",
            )
        _check_may_readdress(directory, user)
        wait_for_address(address)
        if User.objects.filter(email=address).exclude(pk=user.pk).exists():
            raise Taken(f"Somebody else here has the address {address}.")
        user.email = address
        changed.append("email")
    if changed:
        try:
            with atomic():
                user.save(update_fields=[*changed, "updated_at"])
        except IntegrityError as error:
            raise Taken(f"Somebody else here has the address {address}.") from error


def _check_may_readdress(directory: ScimDirectory, user: User) -> None:
    """Refuse an address for somebody who holds more than whoever made the directory's key.

    Letters for a new password go there: whoever holds the key could be that person. An owner's is never changed.
    Raises: Conflict.
    """
    theirs = gathered_actor(user)
    if Role.OWNER in theirs.roles:
        raise Conflict(
            "This person is an owner of the company: no directory changes their address.",
            code="conflict.owners_address",
        )
    if is_above_key(directory, user):
        raise Conflict(
            "This person holds more than whoever made the directory's key: it does not change their address.",
            code="conflict.address_above_key",
        )


def move_to_department(user: User, name: str) -> None:
    """Put a person into the department of this name, which is made when there is none; empty takes them out of theirs.

    A department that gives roles is entered only by who was put into it here: no directory gives roles in this way.
    """
    # As it can be kept: the next person with the same long name has to be found in the same one.
    name = name.strip()[:_LONGEST_NAME].rstrip()
    before = user.department
    if (before.name.lower() if before else "") == name.lower():
        return
    department = _department(name) if name else None
    if department is not None and RoleBinding.objects.filter(department=department).exists():
        log.info("scim.department_with_roles", user_id=user.pk, department_id=department.pk)
        return
    user.department = department
    user.save(update_fields=["department", "updated_at"])
    if before is not None and RoleBinding.objects.filter(department=before).exists():
        lost_roles([user.pk])


def _address(text: str) -> str:
    try:
        return normal_email(text)
    except InvalidInput:
        return ""


def _by_identity(directory: ScimDirectory, external_id: str) -> User | None:
    if not (directory.provider_id and external_id):
        return None
    found = ExternalIdentity.objects.select_related("user").filter(
        provider=directory.provider_id, subject=external_id
    )
    row = found.first()
    return row.user if row else None


def _new(directory: ScimDirectory, address: str, name: str, is_active: bool) -> User:
    user = User(email=address, name=name, is_active=is_active)
    user.set_unusable_password()
    try:
        with atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Taken(f"Somebody else here has the address {address}.") from error
    if directory.default_role:
        RoleBinding.objects.create(user=user, role=Role(directory.default_role), source=RoleSource.SCIM.value)
    log.info("user.created", user_id=user.pk, role=directory.default_role, by=SYSTEM.name)
    return user


def _department(name: str) -> Department:
    wait_for_turn("scim-department")
    found = Department.objects.filter(name__iexact=name).first()
    if found is not None:
        return found
    letters = "".join(each for each in name.upper() if each.isascii() and each.isalnum())[:5] or "DEPT"
    keys = {key.upper() for key in Department.objects.values_list("key", flat=True)}
    numbered = (f"{letters}{number}" for number in range(2, 1000))
    key = next((each for each in (letters, *numbered) if each not in keys), None)
    if key is None:
        raise Conflict("There is no short name left for this department.")
    department: Department = Department.objects.create(name=name, key=key)
    return department
