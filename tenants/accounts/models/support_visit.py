"""Operators of the platform whom the company has let in for a time: who, under which grant, and what they did."""

from django.db import models

from tenants.foundation.ids import uuid7


class SupportAccount(models.Model):
    """Makes a user an operator who visits: without a way to sign in, in no list of people, off between visits."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="support_account")
    # The user of the platform's own tenant they are.
    operator_id = models.UUIDField(unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"operator {self.operator_id}"


class SupportVisit(models.Model):
    """One entry under one grant; asked at every request, so it ends with the minute or with a word."""

    class Role(models.TextChoices):
        READ_ONLY = "read_only"
        ADMIN = "admin"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(SupportAccount, on_delete=models.CASCADE, related_name="visits")
    sign_in = models.OneToOneField(
        "accounts.UserSession", on_delete=models.SET_NULL, null=True, blank=True, related_name="support_visit"
    )
    # The row of the control plane that lets them in.
    grant_id = models.UUIDField()
    role = models.CharField(max_length=10, choices=Role.choices)
    reason = models.CharField(max_length=500)
    entered_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        ordering = ["-entered_at"]
        indexes = [models.Index(fields=["grant_id", "-entered_at"], name="support_visit_of_grant")]

    def __str__(self) -> str:
        return f"visit under {self.grant_id}"


class SupportAction(models.Model):
    """Something an operator did or tried on a visit: everything that was more than reading, with its outcome."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    visit = models.ForeignKey(SupportVisit, on_delete=models.CASCADE, related_name="actions")
    at = models.DateTimeField()
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=300)
    route = models.CharField(max_length=120, blank=True, default="")
    status = models.PositiveSmallIntegerField()
    request_id = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["visit", "-at"], name="support_action_of_visit")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
