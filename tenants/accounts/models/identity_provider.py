"""A sign-in service of the company's own: who says there who somebody is."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.accounts.access.roles import Role
from tenants.foundation.ids import uuid7

MAX_CERTIFICATES = 2


class IdentityProvider(models.Model):
    """One configured service. Client secrets lie in the vault; what stands here may be seen by an administrator."""

    class Kind(models.TextChoices):
        SAML = "saml", "SAML 2.0"
        OIDC = "oidc", "OpenID Connect"
        GITHUB = "github", "GitHub"

    class Preset(models.TextChoices):
        SAML = "saml", "SAML 2.0"
        OIDC = "oidc", "OpenID Connect"
        GOOGLE = "google", "Google"
        MICROSOFT = "microsoft", "Microsoft"
        GITHUB = "github", "GitHub"

    class State(models.TextChoices):
        DRAFT = "draft"
        TEST = "test"
        ACTIVE = "active"
        ENFORCED = "enforced"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    preset = models.CharField(max_length=12, choices=Preset.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    issuer = models.CharField(max_length=500, blank=True, default="")
    sso_url = models.CharField(max_length=1000, blank=True, default="")
    slo_url = models.CharField(max_length=1000, blank=True, default="")
    certificates = ArrayField(models.TextField(), default=list, blank=True, size=MAX_CERTIFICATES)
    metadata_url = models.CharField(max_length=1000, blank=True, default="")
    metadata_read_at = models.DateTimeField(null=True, blank=True)
    # What the address of the metadata says now, where that differs: it counts when a person has confirmed it.
    metadata_checked_at = models.DateTimeField(null=True, blank=True)
    metadata_problem = models.CharField(max_length=300, blank=True, default="", db_default="")
    metadata_found = models.JSONField(null=True, blank=True)
    metadata_found_at = models.DateTimeField(null=True, blank=True)
    allows_idp_initiated = models.BooleanField(default=False)
    client_id = models.CharField(max_length=255, blank=True, default="")
    client_secret_id = models.UUIDField(null=True, blank=True)
    organisation = models.CharField(max_length=120, blank=True, default="")
    email_attribute = models.CharField(max_length=200, blank=True, default="")
    name_attribute = models.CharField(max_length=200, blank=True, default="")
    groups_attribute = models.CharField(max_length=200, blank=True, default="")
    provisions_users = models.BooleanField(default=True)
    default_role = models.CharField(max_length=20, default=Role.MEMBER.value)
    # What was last tested, and how well it did. A change of the set-up makes the test worthless.
    revision = models.PositiveIntegerField(default=1)
    tested_revision = models.PositiveIntegerField(default=0)
    tested_at = models.DateTimeField(null=True, blank=True)
    tested_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    test_grade = models.CharField(max_length=2, blank=True, default="")
    test_findings = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="enforced"), name="one_enforced_identity_provider"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_offered(self) -> bool:
        """Whether people may sign in with it."""
        return self.state in {self.State.ACTIVE, self.State.ENFORCED}

    @property
    def is_tested(self) -> bool:
        """Whether somebody got through with the set-up as it is now."""
        return self.tested_at is not None and self.tested_revision == self.revision


class GroupRule(models.Model):
    """People in this group of the service get this role here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="group_rules")
    group_name = models.CharField(max_length=255)
    role = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["group_name"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "group_name"], name="group_rule_once_per_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.group_name} → {self.role}"
