"""Letting people in, giving them roles and taking them away."""

from typing import Final

import structlog
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.utils import timezone

from tenants.accounts.access import (
    SYSTEM,
    Actor,
    Role,
    RoleSource,
    ScopeType,
    SystemActor,
    UserActor,
    permission,
    require,
)
from tenants.accounts.access.denying import Reason, refusal
from tenants.accounts.access.granting import (
    changing_access,
    check_may_give_role,
    check_may_shut_out,
    check_reaches,
    check_separations,
    withdraw_invitations_beyond,
)
from tenants.accounts.access.second_person import check_may_make_owner_alone
from tenants.accounts.models import ApiToken, Department, Invitation, RoleBinding, User
from tenants.accounts.scim.ruling import check_may_be_let_in, check_name_is_ours
from tenants.accounts.selectors import owners
from tenants.accounts.sessions.services import end_sign_ins
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

EDIT_PROFILE: Final = "accounts.edit_profile"


def email_taken() -> Conflict:
    """Say that an address has an account here."""
    msg = "Someone with this e-mail address is already here."
    return Conflict(msg, code="conflict.email_taken", fields={"email": [msg]})


def normal_email(email: str) -> str:
    """Return an address in the form it is kept in. Raises: InvalidInput when it is none."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        msg = "Enter an e-mail address."
        raise InvalidInput(msg, code="invalid_input.email", fields={"email": [msg]}) from error
    return address


def check_password(password: str, user: User | None = None) -> None:
    """Hold a new password to the rules. Raises: InvalidInput with every rule it breaks."""
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(
            "This password cannot be used.",
            code="invalid_input.password",
            fields={"password": error.messages},
        ) from error


@atomic
def create_user(
    *,
    email: str,
    name: str,
    role: Role,
    password: str | None,
    actor: Actor,
    source: RoleSource = RoleSource.MANUAL,
    language: str = "",
    time_zone: str = "",
) -> User:
    """Make a user with a role. Without a password they come in by a reset or an invitation link.

    Raises: Forbidden, InvalidInput (address, name, password), Conflict (the address is taken).
    """
    require(actor, "accounts.invite_users")
    check_may_give_role(actor, role)
    if role is Role.OWNER:
        check_may_make_owner_alone(actor)
    address = normal_email(email)
    if not name.strip():
        raise InvalidInput("A person needs a name.", fields={"name": ["Enter a name."]})
    if User.objects.filter(email=address).exists():
        raise email_taken()
    user = User(email=address, name=name.strip(), language=language, time_zone=time_zone)
    if password is not None:
        check_password(password, user)
    user.set_password(password)
    try:
        with atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        # Somebody with the same address came in since it was looked up.
        raise email_taken() from error
    _bind(user, role, source=source, actor=actor)
    log.info("user.created", user_id=user.pk, role=role)
    return user


@atomic
def ensure_first_owner(
    *, email: str, name: str, password: str | None = None, password_hash: str = ""
) -> User:
    """Make sure that a new company has its first owner; a second call finds them.

    ``password_hash`` is that of a password which was checked and hashed before.
    Raises: InvalidInput (address, name, password).
    """
    user = User.objects.filter(email=normal_email(email)).first()
    if user is None:
        user = create_user(
            email=email,
            name=name,
            role=Role.OWNER,
            password=password,
            actor=SYSTEM,
            source=RoleSource.ONBOARDING,
        )
        if password_hash:
            user.password = password_hash
            user.save(update_fields=["password", "updated_at"])
        return user
    if not owners().filter(user=user).exists():
        _bind(user, Role.OWNER, source=RoleSource.ONBOARDING, actor=SYSTEM)
    return user


@atomic
def change_role(*, user: User, role: Role, actor: Actor) -> User:
    """Give a user another role in the whole company in place of those they have there in their own name.

    Roles in parts of the company, and those that come by groups, stay. Their open invitations to roles they may no
    longer give are revoked: nobody comes in on a right that was taken.
    Raises: Forbidden (also for a role higher than one's own, and for someone higher than oneself),
    Conflict (the last owner stays an owner; duties that may not meet), SecondPersonNeeded.
    """
    require(actor, "accounts.change_roles")
    if role is Role.OWNER:
        check_may_make_owner_alone(actor)
    with changing_access():
        check_may_give_role(actor, role)
        check_reaches(actor, user)
        company_wide = RoleBinding.objects.filter(user=user, scope_type=ScopeType.COMPANY)
        company_wide.exclude(role=role, expires_at=None).delete()
        _bind(user, role, source=RoleSource.MANUAL, actor=actor)
        check_separations([user])
        withdraw_invitations_beyond(user)
    end_sign_ins(user, because="role")
    log.info("user.role_changed", user_id=user.pk, role=role)
    return user


@atomic
def deactivate_user(*, user: User, actor: Actor) -> User:
    """Shut a user out at once: no sign-in, session, token or invitation of theirs works any more.

    Raises: Forbidden, Conflict (oneself, or the last owner).
    """
    require(actor, "accounts.deactivate_users")
    if actor.user_id == user.pk:
        raise Conflict("You cannot deactivate yourself.", code="conflict.own_account")
    with changing_access():
        check_may_shut_out(actor, user)
        user.is_active = False
        user.save(update_fields=["is_active", "updated_at"])
        now = timezone.now()
        ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
        Invitation.objects.filter(invited_by=user, accepted_at=None, revoked_at=None).update(revoked_at=now)
    end_sign_ins(user, because="deactivated")
    log.info("user.deactivated", user_id=user.pk)
    return user


@atomic
def reactivate_user(*, user: User, actor: Actor) -> User:
    """Let a deactivated user in again, in their old role; their tokens stay revoked.

    Raises: Forbidden, Conflict (their directory shut them out).
    """
    require(actor, "accounts.deactivate_users")
    if not isinstance(actor, SystemActor):
        check_may_be_let_in(user)
    with changing_access():
        check_may_shut_out(actor, user)
        user.is_active = True
        user.save(update_fields=["is_active", "updated_at"])
    log.info("user.reactivated", user_id=user.pk)
    return user


@atomic
def update_profile(
    *,
    user: User,
    actor: Actor,
    name: str,
    language: str = "",
    time_zone: str = "",
    theme: str = User.Theme.SYSTEM,
) -> User:
    """Save a person's own name and preferences. Raises: Forbidden (someone else's), InvalidInput."""
    if not isinstance(actor, SystemActor) and actor.user_id != user.pk:
        raise Forbidden("Only the person themselves can change this.")
    if isinstance(actor, UserActor) and not actor.may_use_token_for(EDIT_PROFILE):
        raise refusal(permission(EDIT_PROFILE), Reason.TOKEN)
    if not name.strip():
        raise InvalidInput("A person needs a name.", fields={"name": ["Enter a name."]})
    if user.name != name.strip() and not isinstance(actor, SystemActor):
        check_name_is_ours(user)
    user.name, user.language, user.time_zone = name.strip(), language, time_zone
    user.theme = User.Theme(theme)
    user.save(update_fields=["name", "language", "time_zone", "theme", "updated_at"])
    return user


@atomic
def ensure_department(*, name: str, key: str, actor: Actor, color: int = 6) -> Department:
    """Find a department by its name or make it. Raises: Forbidden, InvalidInput."""
    require(actor, "accounts.manage_departments")
    if not name.strip() or not key.strip():
        raise InvalidInput("A department needs a name and a key.")
    department = Department.objects.filter(name__iexact=name.strip()).first()
    if department is None:
        department = Department.objects.create(name=name.strip(), key=key.strip().upper(), color=color)
    return department


def check_may_grant(actor: Actor, role: Role) -> None:
    """Let only those give a role who hold at least as much. Raises: Forbidden."""
    check_may_give_role(actor, role)


def _bind(user: User, role: Role, *, source: RoleSource, actor: Actor) -> None:
    RoleBinding.objects.get_or_create(
        user=user,
        role=role,
        scope_type=ScopeType.COMPANY,
        defaults={"source": source.value, "granted_by_id": actor.user_id},
    )
