"""Who is in the company, and what they may do."""

from uuid import UUID

from django.db.models import QuerySet

from tenants.accounts.access import Actor, Role, UserActor, require
from tenants.accounts.access.gathering import gathered_actor
from tenants.accounts.models import Department, RoleBinding, User
from tenants.tenancy import atomic


@atomic
def actor_for(user: User, *, token_id: UUID | None = None, scopes: frozenset[str] | None = None) -> UserActor:
    """Return a user as an actor, by one of their tokens when that is how they come; in one query."""
    return gathered_actor(user, token_id=token_id, scopes=scopes)


def visible_users(*, actor: Actor) -> QuerySet[User]:
    """Return the company's people with their roles; its programs and the operators who visit are no people of it.

    Raises: Forbidden.
    """
    require(actor, "accounts.view_users")
    people = User.objects.filter(service_account=None, support_account=None)
    rows = people.select_related("scim__directory").prefetch_related("role_bindings__custom_role")
    return rows.order_by("name", "id")


def all_departments() -> QuerySet[Department]:
    """Return the company's departments, by name: no secret to anyone who is in."""
    return Department.objects.order_by("name")


def owners() -> QuerySet[RoleBinding]:
    """Return the owner roles that keep a company: of people who can sign in, in their own name, without an end."""
    return RoleBinding.objects.company_wide().filter(
        role=Role.OWNER, user__is_active=True, expires_at__isnull=True
    )
