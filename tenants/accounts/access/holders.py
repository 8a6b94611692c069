"""Which people hold a permission, by whatever way it comes to them."""

from django.db.models import Q, QuerySet

from tenants.accounts.access.catalogue import permission
from tenants.accounts.models import RoleBinding, User
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
