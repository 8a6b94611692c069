"""Who is in the company, and what they may do."""

from django.db.models import QuerySet

from tenants.accounts.access import Actor, Role, UserActor, require
from tenants.accounts.models import Department, RoleBinding, User
from tenants.tenancy import atomic


def actor_for(user: User) -> UserActor:
    """Return a user as an actor, in one query."""
    with atomic():
        roles = RoleBinding.objects.filter(user=user).values_list("role", flat=True)
        return UserActor(user=user, roles=frozenset(Role(role) for role in roles))


def visible_users(*, actor: Actor) -> QuerySet[User]:
    """Return the company's people with their roles. Raises: Forbidden."""
    require(actor, "accounts.view_users")
    return User.objects.prefetch_related("role_bindings").order_by("name", "id")


def all_departments() -> QuerySet[Department]:
    """Return the company's departments, by name: no secret to anyone who is in."""
    return Department.objects.order_by("name")


def owners() -> QuerySet[RoleBinding]:
    """Return the owner roles of people who can still sign in."""
    return RoleBinding.objects.filter(role=Role.OWNER, user__is_active=True)
