"""An image that was taken in for the brand."""

from django.db import models

from tenants.foundation.ids import uuid7


class BrandImage(models.Model):
    """What was uploaded, drawn anew in each size of its slot; the files lie in the company's storage."""

    class Slot(models.TextChoices):
        LIGHT = "light", "Logo on light ground"
        DARK = "dark", "Logo on dark ground"
        MARK = "mark", "Mark"
        FAVICON = "favicon", "Icon of the browser's tab"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    digest = models.CharField(max_length=64, unique=True)
    slot = models.CharField(max_length=10, choices=Slot.choices)
    # Width and height by size, such as {"full": [480, 120]}.
    sizes = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"), name="brand_image_digest_is_sha256"
            )
        ]

    def __str__(self) -> str:
        return f"{self.slot} {self.digest[:12]}"
