"""Letting people in, giving them roles and taking them away."""

import structlog
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Actor, Role, RoleSource, SystemActor, require
from tenants.accounts.access.catalogue import codes_of
from tenants.accounts.models import ApiToken, Department, Invitation, RoleBinding, User
from tenants.accounts.selectors import owners
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


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
    check_may_grant(actor, role)
    address = normal_email(email)
    if not name.strip():
        raise InvalidInput("A person needs a name.", fields={"name": ["Enter a name."]})
    if User.objects.filter(email=address).exists():
        msg = "Someone with this e-mail address is already here."
        raise Conflict(msg, code="conflict.email_taken", fields={"email": [msg]})
    user = User(email=address, name=name.strip(), language=language, time_zone=time_zone)
    if password is not None:
        check_password(password, user)
    user.set_password(password)
    user.save(force_insert=True)
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
    """Give a user another role in place of the one they have.

    Their open invitations to roles they may no longer give are revoked: nobody comes in on a right that was taken.
    Raises: Forbidden (also for a role higher than one's own, and for someone higher than oneself),
    Conflict (the last owner stays an owner).
    """
    require(actor, "accounts.change_roles")
    check_may_grant(actor, role)
    _check_reaches(actor, user)
    _lock_owners()
    if role != Role.OWNER:
        _check_not_last_owner(user)
    RoleBinding.objects.filter(user=user).exclude(role=role).delete()
    _bind(user, role, source=RoleSource.MANUAL, actor=actor)
    _revoke_invitations_beyond(user, role)
    log.info("user.role_changed", user_id=user.pk, role=role)
    return user


@atomic
def deactivate_user(*, user: User, actor: Actor) -> User:
    """Shut a user out at once: no sign-in, session, token or invitation of theirs works any more.

    Raises: Forbidden, Conflict (oneself, or the last owner).
    """
    require(actor, "accounts.deactivate_users")
    _check_reaches(actor, user)
    if actor.user_id == user.pk:
        raise Conflict("You cannot deactivate yourself.", code="conflict.own_account")
    _lock_owners()
    _check_not_last_owner(user)
    user.is_active = False
    user.save(update_fields=["is_active", "updated_at"])
    now = timezone.now()
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
    Invitation.objects.filter(invited_by=user, accepted_at=None, revoked_at=None).update(revoked_at=now)
    log.info("user.deactivated", user_id=user.pk)
    return user


@atomic
def reactivate_user(*, user: User, actor: Actor) -> User:
    """Let a deactivated user in again, in their old role; their tokens stay revoked. Raises: Forbidden."""
    require(actor, "accounts.deactivate_users")
    _check_reaches(actor, user)
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
    if not name.strip():
        raise InvalidInput("A person needs a name.", fields={"name": ["Enter a name."]})
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


def _revoke_invitations_beyond(user: User, role: Role) -> None:
    may_invite = "accounts.invite_users" in codes_of(role)
    beyond = [other for other in Role if not (may_invite and role.includes(other))]
    Invitation.objects.filter(invited_by=user, role__in=beyond, accepted_at=None, revoked_at=None).update(
        revoked_at=timezone.now()
    )


def check_may_grant(actor: Actor, role: Role) -> None:
    """Let only those give a role who hold at least as much. Raises: Forbidden."""
    own = actor.role
    if own is None or not own.includes(role):
        raise Forbidden("You can give only roles up to your own.", code="forbidden.role_above_own")


def _check_reaches(actor: Actor, user: User) -> None:
    roles = frozenset(Role(role) for role in user.role_bindings.values_list("role", flat=True))
    own = actor.role
    if own is None or not all(own.includes(role) for role in roles):
        raise Forbidden("This person's role is higher than yours.", code="forbidden.person_above")


def _lock_owners() -> None:
    """Two owners who remove each other at the same moment must wait for one another."""
    list(RoleBinding.objects.select_for_update().filter(role=Role.OWNER).order_by("id"))


def _check_not_last_owner(user: User) -> None:
    is_owner = owners().filter(user=user).exists()
    if is_owner and not owners().exclude(user=user).exists():
        raise Conflict("A company keeps at least one owner.", code="conflict.last_owner")


def _bind(user: User, role: Role, *, source: RoleSource, actor: Actor) -> None:
    RoleBinding.objects.get_or_create(
        user=user, role=role, defaults={"source": source.value, "granted_by_id": actor.user_id}
    )
