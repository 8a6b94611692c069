"""A company's brand: the published one and, while somebody is at work on it, a draft."""

from django.db import models
from django.db.models import Q

from tenants.foundation.ids import uuid7


class Brand(models.Model):
    """At most one row for each stage. Without a published one the company looks as it was made: name and colour."""

    class Stage(models.TextChoices):
        PUBLISHED = "published", "Published"
        DRAFT = "draft", "Draft"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stage = models.CharField(max_length=10, choices=Stage.choices, unique=True)
    # Counts the changes of both stages together: whoever saves says which they have seen.
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    color = models.CharField(max_length=7)
    headline = models.CharField(max_length=120, default="", blank=True)
    words = models.CharField(max_length=300, default="", blank=True)
    sender_name = models.CharField(max_length=80, default="", blank=True)
    reply_to = models.EmailField(max_length=254, default="", blank=True)
    imprint_url = models.URLField(max_length=300, default="", blank=True)
    privacy_url = models.URLField(max_length=300, default="", blank=True)
    terms_url = models.URLField(max_length=300, default="", blank=True)
    support_url = models.URLField(max_length=300, default="", blank=True)
    # The images by slot (light, dark, mark, favicon): digest, and width and height of each size.
    images = models.JSONField(default=dict, blank=True)
    changed_by = models.CharField(max_length=200, default="", blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(stage__in=["published", "draft"]), name="brand_stage_is_known"
            ),
            models.CheckConstraint(condition=Q(color__regex=r"^#[0-9a-f]{6}$"), name="brand_color_is_hex"),
            models.CheckConstraint(condition=~Q(name=""), name="brand_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.stage})"
