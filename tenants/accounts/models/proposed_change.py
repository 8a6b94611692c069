"""A change that one person proposed and another has to agree to."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.foundation.ids import uuid7


class ProposedChange(models.Model):
    """What shall change, who wants it and why, and what came of it.

    `arguments` are what the kind of change needs to be carried out, `fingerprint` the state of the thing it was
    proposed for; secrets among the arguments lie in the vault. `is_alone`: nobody else could have agreed, so it was
    carried out at once and told to everybody who looks after access.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Waiting")
        APPLIED = "applied", _("Carried out")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Run out")
        STALE = "stale", _("Overtaken")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    target_id = models.UUIDField(null=True, blank=True)
    target_name = models.CharField(max_length=200, blank=True, default="")
    arguments = models.JSONField(default=dict)
    # Lines of {"field", "before", "after"}, as people read them; never a secret.
    diff = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True, default="")
    proposed_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    is_alone = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        "accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "target_id"],
                condition=Q(state="open"),
                nulls_distinct=False,
                name="one_open_change_per_target",
            )
        ]
        indexes = [models.Index(fields=["state", "-proposed_at"], name="proposed_change_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_name}".strip()

    @property
    def is_open(self) -> bool:
        """Whether somebody can still agree."""
        return self.state == self.State.OPEN and self.expires_at > timezone.now()
