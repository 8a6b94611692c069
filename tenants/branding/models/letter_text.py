"""What a company wrote instead of the product's text in a letter."""

from django.db import models

from tenants.foundation.ids import uuid7


class LetterText(models.Model):
    """One kind of letter in one language."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40)
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=150)
    body = models.TextField(max_length=5000)
    changed_by = models.CharField(max_length=200, default="", blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "language"], name="letter_text_once_per_kind_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"
