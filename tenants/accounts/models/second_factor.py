"""What people prove themselves with beside, or instead of, a password."""

from django.db import models

from tenants.foundation.ids import uuid7


class AuthenticatorApp(models.Model):
    """An app that shows six digits every 30 seconds (TOTP). Its secret lies sealed in the vault."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="authenticator_app")
    secret_id = models.UUIDField()
    # The last time step whose code was accepted: that code, and every older one, is spent.
    last_counter = models.BigIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"authenticator app of {self.user_id}"


class RecoveryCode(models.Model):
    """A code for the day the phone is gone: kept as a keyed hash, good for one time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once"),
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Passkey(models.Model):
    """A WebAuthn credential: its public key, and how often it says it was used."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=80)
    credential_id = models.BinaryField(max_length=1023, unique=True)
    # The attested credential data as the authenticator wrote them: AAGUID, id and COSE key.
    credential = models.BinaryField(max_length=4096)
    rp_id = models.CharField(max_length=253)
    sign_count = models.BigIntegerField(default=0)
    is_backed_up = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # A counter that went backwards: somebody may have a copy. It opens nothing until it is removed.
    suspected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["user", "created_at"], name="passkey_of_user")]

    def __str__(self) -> str:
        return self.name


class SpentChallenge(models.Model):
    """A WebAuthn challenge that was answered: a second answer to it is refused, whichever process gets it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="spent_challenge_expires")]

    def __str__(self) -> str:
        return "spent challenge"
