"""The mail server a company wants its letters to go out by: the one in use, and one that is still to be proved."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7
from tenants.foundation.letters.smtp import Security


class MailServer(models.Model):
    """At most one row for each stage; the password lies in the vault."""

    class Stage(models.TextChoices):
        # Nothing goes out by it but test letters.
        CANDIDATE = "candidate", "To be proved"
        ACTIVE = "active", "In use"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stage = models.CharField(max_length=10, choices=Stage.choices, unique=True)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField()
    security = models.CharField(max_length=10, choices=[(each.value, each.value) for each in Security])
    username = models.CharField(max_length=254, default="", blank=True)
    # The id of the value in the vault.
    password_id = models.UUIDField(null=True, blank=True)
    from_address = models.CharField(max_length=254)
    # The test letter that is on its way: the hash of its code, and how often somebody has typed a wrong one.
    code_hash = models.BinaryField(null=True, blank=True)
    code_sent_at = models.DateTimeField(null=True, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    proved_at = models.DateTimeField(null=True, blank=True)
    # What it has failed at since it last took a letter.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    # Until then letters go by the platform's server without asking this one.
    rests_until = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=400, default="", blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.CharField(max_length=200, default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stage__in=["candidate", "active"]), name="mail_server_stage_is_known"
            ),
            models.CheckConstraint(
                condition=Q(security__in=["starttls", "tls", "none"]), name="mail_server_security_is_known"
            ),
            models.CheckConstraint(condition=Q(port__gte=1, port__lte=65535), name="mail_server_port_is_one"),
            # One that is in use has been proved.
            models.CheckConstraint(
                condition=~Q(stage="active") | Q(proved_at__isnull=False), name="mail_server_in_use_is_proved"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.port} ({self.stage})"
