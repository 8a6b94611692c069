"""Which role somebody has, where, and until when."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.accounts.access.roles import Role, RoleSource, ScopeType
from tenants.foundation.ids import uuid7

_PRINCIPALS = ("user", "group", "department", "token")


def _exactly_one_principal() -> Q:
    condition = Q()
    for chosen in _PRINCIPALS:
        condition |= Q(**{f"{name}__isnull": name != chosen for name in _PRINCIPALS})
    return condition


class RoleBindingQuerySet(models.QuerySet["RoleBinding"]):
    """Questions asked of bindings."""

    def in_force(self) -> "RoleBindingQuerySet":
        """Those that have not run out, by the database's clock of this transaction."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))

    def company_wide(self) -> "RoleBindingQuerySet":
        """Those that hold in the whole company."""
        return self.filter(scope_type=ScopeType.COMPANY)


class RoleBinding(models.Model):
    """A role given to a person, a group, a department or a token, and how it came to them.

    The role is a built-in one (`role`) or one of the company's own (`custom_role`). It holds in the whole company,
    one department or one project (`scope_id`), until `expires_at`. A user without any may do nothing.
    """

    class Source(models.TextChoices):
        MANUAL = RoleSource.MANUAL.value
        INVITATION = RoleSource.INVITATION.value
        ONBOARDING = RoleSource.ONBOARDING.value
        SSO = RoleSource.SSO.value
        SCIM = RoleSource.SCIM.value
        JIT = RoleSource.JIT.value

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, null=True, blank=True, related_name="role_bindings"
    )
    group = models.ForeignKey(
        "accounts.Group", on_delete=models.CASCADE, null=True, blank=True, related_name="role_bindings"
    )
    department = models.ForeignKey(
        "accounts.Department", on_delete=models.CASCADE, null=True, blank=True, related_name="role_bindings"
    )
    token = models.ForeignKey(
        "accounts.ApiToken", on_delete=models.CASCADE, null=True, blank=True, related_name="role_bindings"
    )
    role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    custom_role = models.ForeignKey(
        "accounts.CustomRole", on_delete=models.RESTRICT, null=True, blank=True, related_name="bindings"
    )
    scope_type = models.CharField(
        max_length=12,
        choices=ScopeType.choices,
        default=ScopeType.COMPANY,
        db_default=ScopeType.COMPANY.value,
    )
    scope_id = models.UUIDField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=20, choices=Source.choices, default=Source.MANUAL)
    granted_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RoleBindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[*_PRINCIPALS, "role", "custom_role", "scope_type", "scope_id"],
                nulls_distinct=False,
                name="role_once_per_scope",
            ),
            models.CheckConstraint(condition=_exactly_one_principal(), name="role_has_one_holder"),
            models.CheckConstraint(
                condition=Q(role__in=Role.values, custom_role__isnull=True)
                | Q(role="", custom_role__isnull=False),
                name="role_is_one",
            ),
            models.CheckConstraint(
                condition=Q(scope_type="company", scope_id__isnull=True)
                | Q(scope_type__in=["department", "project"], scope_id__isnull=False),
                name="role_scope_is_whole",
            ),
        ]
        indexes = [models.Index(fields=["role"], name="role_binding_role")]

    def __str__(self) -> str:
        holder = self.user_id or self.group_id or self.department_id or self.token_id
        return f"{holder} {self.role or self.custom_role_id}"

    @property
    def is_in_force(self) -> bool:
        """Whether it has not run out."""
        return self.expires_at is None or self.expires_at > timezone.now()
