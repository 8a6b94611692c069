"""Which people hold a permission, by whatever way it comes to them."""

from django.db.models import Q

from tenants.accounts.access.catalogue import permission
from tenants.accounts.models import RoleBinding, User


def people_holding(code: str) -> list[User]:
    """The people who can sign in and hold a permission in the whole company, by name. One query.

    Programs and operators on a visit are no people of the company. Raises: UnknownPermission.
    """
    roles = [role.value for role in permission(code).holders]
    bindings = (
        RoleBinding.objects.in_force()
        .company_wide()
        .filter(Q(role__in=roles) | Q(custom_role__codes__contains=[code]))
    )
    return list(
        User.objects.filter(is_active=True, service_account=None, support_account=None)
        .filter(
            Q(pk__in=bindings.filter(user__isnull=False).values("user"))
            | Q(access_groups__in=bindings.filter(group__isnull=False).values("group"))
            | Q(department__in=bindings.filter(department__isnull=False).values("department"))
        )
        .distinct()
        .order_by("name", "pk")
    )
