"""Somebody who wants a company of their own: an address that is being proved, and what came of it."""

from django.db import models
from django.db.models.functions import Now

from tenants.foundation.ids import uuid7


class Signup(models.Model):
    """One attempt to sign up. It is forgotten after a week; the address is sealed, and found again by a keyed hash.

    ``is_silent``: so much was asked for already that no letter goes out; the answer is the same, and no code fits.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email_hash = models.BinaryField(max_length=32)
    sealed_email = models.JSONField()
    # The network somebody came from, as a keyed hash.
    source_hash = models.BinaryField(max_length=32)
    language = models.CharField(max_length=10, default="en")
    is_silent = models.BooleanField(default=False)
    tries = models.PositiveSmallIntegerField(default=0)
    code_expires_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    token_hash = models.BinaryField(max_length=32, null=True)
    operation_id = models.UUIDField(null=True)
    token_issued_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["email_hash", "created_at"], name="signup_of_address"),
            models.Index(fields=["source_hash", "created_at"], name="signup_of_source"),
            models.Index(fields=["created_at"], name="signup_by_age"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
