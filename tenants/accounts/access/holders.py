"""Which people hold a permission, by whatever way it comes to them."""

from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from tenants.accounts.access.catalogue import permission
from tenants.accounts.models import GroupMembership, RoleBinding, User
from tenants.accounts.models.role_binding import RoleBindingQuerySet


def people_holding(code: str) -> list[User]:
    """The people who can sign in and hold a permission in the whole company, by name. One query.

    Programs and operators on a visit are no people of the company. Raises: UnknownPermission.
    """
    bindings = bindings_giving(code, RoleBinding.objects.in_force().company_wide())
    return list(people_by(bindings).order_by("name", "pk"))


def bindings_giving(code: str, among: RoleBindingQuerySet) -> RoleBindingQuerySet:
    """Those of some bindings whose role, built in or the company's own, allows something. Raises: UnknownPermission."""
    roles = [role.value for role in permission(code).holders]
    return among.filter(Q(role__in=roles) | Q(custom_role__codes__contains=[code]))


def people_by(bindings: RoleBindingQuerySet) -> QuerySet[User]:
    """The people of the company who can sign in and come by one of some bindings, themselves or with others."""
    return (
        User.objects.filter(is_active=True, service_account=None, support_account=None)
        .filter(
            Q(pk__in=bindings.filter(user__isnull=False).values("user"))
            | Q(access_groups__in=bindings.filter(group__isnull=False).values("group"))
            | Q(department__in=bindings.filter(department__isnull=False).values("department"))
        )
        .distinct()
    )


def people_and_since(bindings: RoleBindingQuerySet, since: datetime) -> dict[UUID, bool]:
    """The same people by id, and of each whether they came by one of the bindings at ``since`` at the latest.

    A role of the company's own counts from when it was given, whatever was added to it since. One query.
    """
    settled = ExpressionWrapper(_came_by(bindings, since), output_field=BooleanField())
    return dict(people_by(bindings).annotate(is_settled=settled).values_list("pk", "is_settled"))


def is_settled(user: User, code: str, since: datetime) -> bool:
    """Whether somebody holds a permission without what they, their groups or roles were given after ``since``."""
    bindings = bindings_giving(code, RoleBinding.objects.in_force().company_wide())
    unchanged = bindings.filter(Q(custom_role=None) | Q(custom_role__updated_at__lte=since))
    return User.objects.filter(_came_by(unchanged, since), pk=user.pk).exists()


def _came_by(bindings: RoleBindingQuerySet, since: datetime) -> Q:
    old = bindings.filter(created_at__lte=since)
    groups = old.filter(group__isnull=False).values("group")
    members = GroupMembership.objects.filter(group__in=groups, created_at__lte=since)
    # When somebody came into a department is not known: their account has to be as old.
    departments = old.filter(department__isnull=False).values("department")
    return (
        Q(pk__in=old.filter(user__isnull=False).values("user"))
        | Q(pk__in=members.values("user"))
        | Q(department__in=departments, created_at__lte=since)
    )
