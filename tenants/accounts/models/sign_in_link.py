"""Links and codes that sign somebody in once, sent by e-mail."""

from django.db import models

from tenants.foundation.ids import uuid7


class SignInLink(models.Model):
    """Somebody asked for a way in by e-mail. Written for every address alike: `user` is empty for one nobody has here.

    Link and code are made when the letter is written and kept as keyed hashes. `standing` is what the person was when
    the letter was written: another role or password since makes the link worthless.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # Of the cookie of the browser that asked.
    browser_hash = models.BinaryField(max_length=32)
    token_hash = models.BinaryField(max_length=32, null=True, blank=True, unique=True)
    code_hash = models.BinaryField(max_length=32, null=True, blank=True)
    standing = models.BinaryField(max_length=32, null=True, blank=True)
    # The host it was asked on, to which the link leads back: only there does the browser show its cookie.
    host = models.CharField(max_length=253, blank=True, default="", db_default="")
    next_path = models.CharField(max_length=500, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "sent_at"], name="sign_in_link_of_user"),
            models.Index(fields=["expires_at"], name="sign_in_link_expires"),
            models.Index(fields=["browser_hash"], name="sign_in_link_of_browser"),
        ]

    def __str__(self) -> str:
        return f"sign-in link {self.pk}"
