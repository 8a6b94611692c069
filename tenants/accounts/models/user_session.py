"""What is known of a sign-in: where, with what, since when, and whether it still holds."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class UserSession(models.Model):
    """One sign-in of one person. A browser's session holds this row's id and is worth nothing without the row."""

    class Method(models.TextChoices):
        PASSWORD = "password"  # noqa: S105 (how somebody came in, no secret)
        PASSKEY = "passkey"
        SSO = "sso"
        LINK = "link"
        INVITATION = "invitation"
        RESET = "reset"
        OTHER = "other"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="sign_ins")
    method = models.CharField(max_length=12, choices=Method.choices)
    # What was shown beside the password: "totp", "passkey", "recovery"; empty when nothing was.
    second_factor = models.CharField(max_length=12, blank=True, default="")
    # The host it counts on, "" for whichever: a company can be reached under several.
    host = models.CharField(max_length=253, blank=True, default="", db_default="")
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")
    started_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    # When the person last proved who they are: at sign-in, and again before sensitive steps.
    proved_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        ordering = ["-last_seen_at"]
        indexes = [
            models.Index(
                fields=["user", "-last_seen_at"], name="sign_in_of_user", condition=Q(ended_at=None)
            ),
            models.Index(fields=["last_seen_at"], name="sign_in_last_seen"),
        ]

    def __str__(self) -> str:
        return f"sign-in of {self.user_id}"
