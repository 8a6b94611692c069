"""What a person granted us by OAuth: the refresh token that gets the next pair, once."""

from django.db import models

from tenants.foundation.ids import uuid7


class OAuthGrant(models.Model):
    """The grant behind a connection. Both tokens change with every refresh: lock this row before you refresh."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    connection = models.OneToOneField(
        "integrations.Connection", on_delete=models.CASCADE, related_name="oauth_grant"
    )
    refresh_secret = models.ForeignKey(
        "secrets.Secret", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner_name = models.CharField(max_length=200, blank=True, default="")
    template_id = models.CharField(max_length=100, blank=True, default="")
    refreshed_at = models.DateTimeField(null=True, blank=True)
    granted_by_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"grant of {self.connection_id}"
